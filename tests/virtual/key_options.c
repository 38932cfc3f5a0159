/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that both dresses share. */
#include "tests/virtual/key_options.h"

#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
        "usage: %s --name NAME --state FILE [options]\n"
        "  --pin PIN                    set when the state is new\n"
        "  --attestation self|basic|none\n"
        "  --attest-cert FILE           with basic: certificate and EC key in DER, as from openssl\n"
        "  --attest-key FILE\n"
        "  --protocols 1|2|1,2          PIN/UV auth protocols\n"
        "  --uv yes|no|unset            fingerprint: enrolled, no sensor, sensor without a finger\n"
        "  --finger right|wrong\n"
        "  --touch now|delay:MS|never|signal   signal: SIGUSR1 is one touch\n"
        "  --touch-timeout MS           instead of 30 s\n"
        "  --timeout-error CODE         CTAP status after it, in hexadecimal, instead of the standard's\n"
        "  --on-close keep|release      does a client that goes away end its command?\n"
        "  --fault NAME                 slow:MS or one of:\n";

static void print_usage(const char *program) {
        (void) fprintf(stderr, usage, program);
        for (int i = 0; i < KEY_FAULT_MAX; i++)
                if (i != KEY_FAULT_SLOW)
                        (void) fprintf(stderr, "                                 %s\n",
                                       key_fault_name((enum key_fault) i));
        (void) fputs("  --log FILE                   one line a command is appended\n"
                     "  --dir DIR                    instead of /run/virtual-keys\n",
                     stderr);
}

static bool parse_ms(const char *text, uint32_t *ret) {
        uint64_t v;
        if (parse_u64(text, 3600000, &v) < 0)
                return false;
        *ret = (uint32_t) v;
        return true;
}

/* Index of text in a list that NULL ends, or -1. */
static int one_of(const char *text, const char *const *words) {
        for (int i = 0; words[i]; i++)
                if (strcmp(text, words[i]) == 0)
                        return i;
        return -1;
}

static bool parse_touch(const char *text, struct key_config *c) {
        static const char *const words[] = {"now", "delay", "never", "signal", NULL};
        if (strncmp(text, "delay:", 6) == 0) {
                c->touch = KEY_TOUCH_DELAY;
                return parse_ms(text + 6, &c->touch_delay_ms);
        }
        int i = one_of(text, words);
        c->touch = (enum key_touch) i;
        return i >= 0 && i != KEY_TOUCH_DELAY;
}

static bool parse_attestation(const char *text, struct key_config *c) {
        static const char *const words[] = {"self", "basic", "none", NULL};
        int i = one_of(text, words);
        c->attestation = (enum key_attestation) i;
        return i >= 0;
}

static bool parse_uv(const char *text, struct key_config *c) {
        static const char *const words[] = {"yes", "no", "unset", NULL};
        int i = one_of(text, words);
        c->uv_able = i != 1;
        c->uv_enrolled = i == 0;
        return i >= 0;
}

static bool parse_protocols(const char *text, struct key_config *c) {
        static const char *const words[] = {"1", "2", "1,2", "2,1", NULL};
        int i = one_of(text, words);
        c->protocol1 = i != 1;
        c->protocol2 = i != 0;
        return i >= 0;
}

static bool parse_error(const char *text, struct key_config *c) {
        size_t n;
        return hex_decode(text, &c->timeout_error, 1, &n) == 0 && n == 1;
}

static bool parse_fault(const char *text, struct key_config *c) {
        c->fault = key_fault_from_text(text, &c->slow_ms);
        return c->fault != KEY_FAULT_INVALID;
}

static bool parse_one(int option, const char *text, struct key_options *o) {
        static const char *const fingers[] = {"right", "wrong", NULL}, *const closes[] = {"keep", "release",
                                                                                          NULL};
        switch (option) {
        case 'n':
                o->name = text;
                return *text && *text != '.' && !strchr(text, '/');
        case 's':
                o->config.state_path = text;
                return true;
        case 'p':
                o->config.initial_pin = text;
                return true;
        case 'a':
                return parse_attestation(text, &o->config);
        case 'C':
                o->config.attest_cert = text;
                return true;
        case 'K':
                o->config.attest_key = text;
                return true;
        case 'P':
                return parse_protocols(text, &o->config);
        case 'u':
                return parse_uv(text, &o->config);
        case 'f':
                o->config.finger_wrong = one_of(text, fingers) == 1;
                return one_of(text, fingers) >= 0;
        case 't':
                return parse_touch(text, &o->config);
        case 'T':
                return parse_ms(text, &o->config.touch_timeout_ms);
        case 'E':
                return parse_error(text, &o->config);
        case 'c':
                o->config.release_on_close = one_of(text, closes) == 1;
                return one_of(text, closes) >= 0;
        case 'F':
                return parse_fault(text, &o->config);
        case 'l':
                o->log = text;
                return true;
        case 'd':
                o->dir = text;
                return true;
        }
        return false;
}

int key_options_parse(int argc, char **argv, struct key_options *ret) {
        static const struct option options[] = {
                {"name", required_argument, NULL, 'n'},
                {"state", required_argument, NULL, 's'},
                {"pin", required_argument, NULL, 'p'},
                {"attestation", required_argument, NULL, 'a'},
                {"attest-cert", required_argument, NULL, 'C'},
                {"attest-key", required_argument, NULL, 'K'},
                {"protocols", required_argument, NULL, 'P'},
                {"uv", required_argument, NULL, 'u'},
                {"finger", required_argument, NULL, 'f'},
                {"touch", required_argument, NULL, 't'},
                {"touch-timeout", required_argument, NULL, 'T'},
                {"timeout-error", required_argument, NULL, 'E'},
                {"on-close", required_argument, NULL, 'c'},
                {"fault", required_argument, NULL, 'F'},
                {"log", required_argument, NULL, 'l'},
                {"dir", required_argument, NULL, 'd'},
                {NULL, 0, NULL, 0},
        };
        struct key_options o = {.dir = "/run/virtual-keys"};
        int option, index = 0;
        while ((option = getopt_long(argc, argv, "", options, &index)) >= 0) {
                if (option == '?') {
                        print_usage(argv[0]);
                        return -EINVAL;
                }
                if (!parse_one(option, optarg, &o)) {
                        (void) fprintf(stderr, "--%s cannot be \"%s\".\n", options[index].name, optarg);
                        return -EINVAL;
                }
        }
        if (optind != argc || !o.name || !o.config.state_path) {
                print_usage(argv[0]);
                return -EINVAL;
        }
        *ret = o;
        return 0;
}

void key_options_log(void *userdata, const char *line) {
        const struct key_options *o = userdata;
        if (!o->log)
                return;
        _cleanup_(closep) int fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0)
                (void) dprintf(fd, "%s\n", line);
}
