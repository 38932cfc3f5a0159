/* SPDX-License-Identifier: Apache-2.0 */
/* device_probe: runs one operation of wardtap-device and prints each event as a line, for scripts. */
#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/client.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct probe {
        unsigned deadline_ms;
        enum device_verify verify;
        bool set_pin_first;
        bool protect;
        const char *pin;
        const char *hang_up_at; /* an event's name */
        const char *pin_at;     /* a file: the PIN is typed once it is there */
        const char *rp_id;
        uint8_t ids[DEVICE_ALLOW_MAX][DEVICE_CREDENTIAL_ID_MAX];
        struct device_blob blobs[DEVICE_ALLOW_MAX];
        size_t n_ids;
};

static const char *const names[] = {[DEVICE_EVENT_READER_ATTACHED] = "attached",
                                    [DEVICE_EVENT_READER_DETACHED] = "detached",
                                    [DEVICE_EVENT_CARD_INSERTED] = "inserted",
                                    [DEVICE_EVENT_CARD_REMOVED] = "removed",
                                    [DEVICE_EVENT_PCSC_LOST] = "pcsc-lost",
                                    [DEVICE_EVENT_PCSC_READY] = "pcsc-ready",
                                    [DEVICE_EVENT_KEY_ATTACHED] = "key-attached",
                                    [DEVICE_EVENT_KEY_DETACHED] = "key-detached",
                                    [DEVICE_EVENT_KEYS_LISTED] = "keys-listed",
                                    [DEVICE_EVENT_KEY_WANTED] = "key-wanted",
                                    [DEVICE_EVENT_PIN_WANTED] = "pin-wanted",
                                    [DEVICE_EVENT_TOUCH_WANTED] = "touch-wanted",
                                    [DEVICE_EVENT_BADGE] = "badge",
                                    [DEVICE_EVENT_KEY_INFO] = "key-info",
                                    [DEVICE_EVENT_CREDENTIAL] = "credential",
                                    [DEVICE_EVENT_ASSERTION] = "assertion",
                                    [DEVICE_EVENT_DONE] = "done",
                                    [DEVICE_EVENT_FAILED] = "failed"};

static void print_hex(const char *name, const uint8_t *p, size_t n) {
        char hex[2 * DEVICE_AUTHDATA_MAX + 1] = "";
        if (n <= DEVICE_AUTHDATA_MAX)
                hex_encode(p, n, hex);
        printf(" %s=%s", name, hex);
}

static void print_credential(const struct device_credential *c) {
        struct bytes b = {c->authdata, c->authdata_len}, part;
        uint16_t n;
        printf(" format=%s authdata=%zu attstmt=%zu", c->format, c->authdata_len, c->attstmt_len);
        /* WebAuthn 6.1: 37 bytes, the AAGUID, and the id */
        if (bytes_take(&b, 53, &part) == 0) {
                printf(" flags=%02x", part.p[32]);
                if (bytes_take_u16(&b, &n) == 0 && bytes_take(&b, n, &part) == 0)
                        print_hex("id", part.p, part.n);
        }
}

static void print_event(const struct device_event *e) {
        const struct device_key_info *i = &e->key_info;
        printf("%s", names[e->type]);
        if (*e->reader)
                printf(" [%s]", e->reader);
        switch (e->type) {
        case DEVICE_EVENT_CARD_INSERTED:
                print_hex("atr", e->atr, e->atr_len);
                break;
        case DEVICE_EVENT_READER_ATTACHED:
                printf("%s", e->present ? " present" : "");
                break;
        case DEVICE_EVENT_KEY_ATTACHED:
        case DEVICE_EVENT_KEY_DETACHED:
                printf(" %s%s product=%s", e->key.id, e->present ? " present" : "", e->key.product);
                break;
        case DEVICE_EVENT_TOUCH_WANTED:
                printf("%s", e->verify ? " finger" : "");
                break;
        case DEVICE_EVENT_BADGE:
                printf(" %s", e->badge.kind);
                print_hex("number", e->badge.number, e->badge.number_len);
                break;
        case DEVICE_EVENT_KEY_INFO:
                printf(" pin=%d/%d uv=%d/%d retries=%u min=%u product=%s", i->pin_set, i->pin_able,
                       i->uv_set, i->uv_able, i->pin_retries, i->min_pin_length, i->product);
                break;
        case DEVICE_EVENT_CREDENTIAL:
                print_credential(&e->credential);
                break;
        case DEVICE_EVENT_ASSERTION:
                print_hex("id", e->assertion.credential_id, e->assertion.credential_id_len);
                print_hex("authdata", e->assertion.authdata, e->assertion.authdata_len);
                printf(" signature=%zu device=%s", e->assertion.signature_len, e->assertion.device);
                break;
        case DEVICE_EVENT_FAILED:
                printf(" %s retries=%d detail=%#x", device_reason_name(e->reason), e->retries,
                       (unsigned) e->detail);
                break;
        default:
                break;
        }
        putchar('\n');
        (void) fflush(stdout);
}

static int start(const struct probe *p, const char *what, const char *reader,
                 struct device_operation **ret) {
        static const uint8_t user_id[16] = {1};
        if (strcmp(what, "watch") == 0)
                return device_watch(ret);
        if (strcmp(what, "watch-keys") == 0)
                return device_watch_keys(ret);
        if (strcmp(what, "identify") == 0)
                return device_identify(reader, p->deadline_ms, ret);
        if (strcmp(what, "key-info") == 0)
                return device_key_info(p->deadline_ms, ret);
        if (strcmp(what, "set-pin") == 0)
                return device_set_pin(p->deadline_ms, ret);
        if (strcmp(what, "make") == 0) {
                struct device_make_request q = {.rp_id = p->rp_id,
                                                .rp_name = "Ward",
                                                .client_data_hash = {1},
                                                .user_id = user_id,
                                                .user_id_len = sizeof(user_id),
                                                .user_name = "nurse1",
                                                .user_display_name = "Nurse One",
                                                .verify = p->verify,
                                                .set_pin_first = p->set_pin_first,
                                                .protect = p->protect,
                                                .exclude = p->blobs,
                                                .n_exclude = p->n_ids};
                return device_make_credential(&q, p->deadline_ms, ret);
        }
        if (strcmp(what, "assert") == 0) {
                struct device_assert_request q = {.rp_id = p->rp_id,
                                                  .client_data_hash = {2},
                                                  .verify = p->verify,
                                                  .protect = p->protect,
                                                  .allow = p->blobs,
                                                  .n_allow = p->n_ids};
                return device_get_assertion(&q, p->deadline_ms, ret);
        }
        return -EINVAL;
}

/* 0 after the last event, -ECANCELED after the event that --hang-up-at names. */
static int follow(const struct probe *p, struct device_operation *op) {
        for (;;) {
                struct device_event e;
                int r = device_wait(op, UINT64_MAX, &e);
                if (r == -ENODATA)
                        return 0;
                if (r < 0)
                        return r;
                print_event(&e);
                if (p->hang_up_at && strcmp(names[e.type], p->hang_up_at) == 0)
                        return -ECANCELED;
                while (e.type == DEVICE_EVENT_PIN_WANTED && p->pin_at && access(p->pin_at, F_OK) < 0)
                        (void) usleep(10000);
                if (e.type == DEVICE_EVENT_PIN_WANTED && (!p->pin || device_send_pin(op, p->pin) < 0))
                        return -EINVAL;
                if (e.type == DEVICE_EVENT_FAILED)
                        return -EIO;
        }
}

static int add_id(struct probe *p, const char *hex) {
        size_t n;
        if (p->n_ids >= DEVICE_ALLOW_MAX)
                return -EINVAL;
        int r = hex_decode(hex, p->ids[p->n_ids], DEVICE_CREDENTIAL_ID_MAX, &n);
        if (r < 0)
                return r;
        p->blobs[p->n_ids] = (struct device_blob){p->ids[p->n_ids], n};
        p->n_ids++;
        return 0;
}

static int parse_options(struct probe *p, int argc, char **argv) {
        static const struct option options[] = {
                {"deadline", required_argument, NULL, 'd'}, {"verify", no_argument, NULL, 'v'},
                {"set-pin-first", no_argument, NULL, 's'},  {"protect", no_argument, NULL, 'c'},
                {"pin", required_argument, NULL, 'p'},      {"id", required_argument, NULL, 'i'},
                {"rp", required_argument, NULL, 'r'},       {"hang-up-at", required_argument, NULL, 'h'},
                {"pin-at", required_argument, NULL, 'a'},   {0}};
        uint64_t v;
        int c, r = 0;
        while (r >= 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'd') {
                        r = parse_u64(optarg, 120000, &v);
                        p->deadline_ms = (unsigned) v;
                } else if (c == 'v')
                        p->verify = DEVICE_VERIFY_YES;
                else if (c == 's')
                        p->set_pin_first = true;
                else if (c == 'c')
                        p->protect = true;
                else if (c == 'p')
                        p->pin = optarg;
                else if (c == 'r')
                        p->rp_id = optarg;
                else if (c == 'i')
                        r = add_id(p, optarg);
                else if (c == 'h')
                        p->hang_up_at = optarg;
                else if (c == 'a')
                        p->pin_at = optarg;
                else
                        r = -EINVAL;
        }
        return r;
}

int main(int argc, char **argv) {
        static struct probe p = {
                .deadline_ms = 5000, .verify = DEVICE_VERIFY_NO, .rp_id = "wardtap.example.org"};
        struct device_operation *op = NULL;
        int r = parse_options(&p, argc, argv);
        if (r < 0 || optind >= argc) {
                fprintf(stderr, "Usage: device_probe [OPTION...] watch|identify READER|key-info|make|assert|"
                                "set-pin\n");
                return 2;
        }
        r = start(&p, argv[optind], optind + 1 < argc ? argv[optind + 1] : "", &op);
        if (r < 0) {
                printf("refused %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        r = follow(&p, op);
        op = device_operation_free(op);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
