/* SPDX-License-Identifier: Apache-2.0 */
/* A PAM application with a scripted person: starts a conversation as a greeter, login, sudo or locker would,
 * prints what it shows, answers prompts in the order given, and prints the verdict and how long it took.
 *
 *   pam_client --service S [--user U] [--answer TEXT]... [--rhost H] [--session] [--resume] [--uid N]
 *              [--tty T] [--rounds N]
 *
 * --session opens a session after the verdict, prints "session open", and closes it at the end of standard
 * input.
 * --resume calls only authenticate, acct_mgmt and setcred(REINITIALIZE), as LightDM does for a session it
 * shows again.
 * --memory prints the process's peak resident memory after the verdict (VmHWM).
 * --rounds does it so many times, from pam_start to pam_end, with the session's hooks if asked for, and
 * prints only the median time.
 * --uid drops to that uid first, as a screen locker runs. A prompt with no answer left fails the
 * conversation. Exit status: the code of pam_authenticate (0 = PAM_SUCCESS), 100 for an error of this
 * program itself. */
#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"

#include <getopt.h>
#include <inttypes.h>
#include <security/pam_appl.h>
#include <stdio.h>

struct client {
        const char *service, *user, *rhost, *tty, *answers[8];
        size_t n_answers, at;
        bool session, resume, memory;
        unsigned rounds; /* 0: one, with all that is said */
        uid_t uid;
};

#define ROUNDS_MAX 1000U

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

static const char *code_name(int code) {
        static const char *const names[] = {[PAM_SUCCESS] = "PAM_SUCCESS",
                                            [PAM_AUTH_ERR] = "PAM_AUTH_ERR",
                                            [PAM_AUTHINFO_UNAVAIL] = "PAM_AUTHINFO_UNAVAIL",
                                            [PAM_MAXTRIES] = "PAM_MAXTRIES",
                                            [PAM_CONV_ERR] = "PAM_CONV_ERR",
                                            [PAM_SYSTEM_ERR] = "PAM_SYSTEM_ERR",
                                            [PAM_SERVICE_ERR] = "PAM_SERVICE_ERR",
                                            [PAM_BUF_ERR] = "PAM_BUF_ERR",
                                            [PAM_PERM_DENIED] = "PAM_PERM_DENIED",
                                            [PAM_USER_UNKNOWN] = "PAM_USER_UNKNOWN",
                                            [PAM_CRED_ERR] = "PAM_CRED_ERR",
                                            [PAM_SESSION_ERR] = "PAM_SESSION_ERR",
                                            [PAM_ABORT] = "PAM_ABORT",
                                            [PAM_IGNORE] = "PAM_IGNORE"};
        return code >= 0 && (size_t) code < ELEMENTSOF(names) && names[code] ? names[code] : "another code";
}

static int answer(struct client *c, const struct pam_message *m, struct pam_response *r) {
        switch (m->msg_style) {
        case PAM_TEXT_INFO:
                (void) printf("  screen: %s\n", m->msg);
                return PAM_SUCCESS;
        case PAM_ERROR_MSG:
                (void) printf("  screen (error): %s\n", m->msg);
                return PAM_SUCCESS;
        case PAM_PROMPT_ECHO_OFF:
        case PAM_PROMPT_ECHO_ON:
                if (c->at == c->n_answers) {
                        (void) printf("  prompt: %s(nobody answers)\n", m->msg);
                        return PAM_CONV_ERR;
                }
                (void) printf("  prompt: %s%s\n", m->msg,
                              m->msg_style == PAM_PROMPT_ECHO_ON ? c->answers[c->at] : "****");
                r->resp = strdup(c->answers[c->at++]);
                return r->resp ? PAM_SUCCESS : PAM_BUF_ERR;
        default:
                return PAM_CONV_ERR;
        }
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data) {
        struct pam_response *all = calloc((size_t) n, sizeof(*all));
        if (!all)
                return PAM_BUF_ERR;
        for (int i = 0; i < n; i++) {
                int r = answer(data, m[i], &all[i]);
                (void) fflush(stdout);
                if (r != PAM_SUCCESS) {
                        for (int j = 0; j < i; j++)
                                free(all[j].resp);
                        free(all);
                        return r;
                }
        }
        *ret = all;
        return PAM_SUCCESS;
}

/* The station would sleep after a refusal; a test need not. */
static void no_delay(int code, unsigned usec, void *data) {
        (void) code;
        (void) usec;
        (void) data;
}

static void print_result(pam_handle_t *h, int code, uint64_t usec) {
        const void *user = NULL;
        (void) pam_get_item(h, PAM_USER, &user);
        (void) printf("result: %s user=%s in %" PRIu64 ".%" PRIu64 " ms\n", code_name(code),
                      user ? (const char *) user : "", usec / 1000, usec / 100 % 10);
        (void) fflush(stdout);
}

static void print_memory(void) {
        _cleanup_(fclosep) FILE *f = fopen("/proc/self/status", "re");
        char line[256];
        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, "VmHWM:", 6) == 0)
                        (void) printf("peak memory:%s", line + 6);
}

static int hold_session(pam_handle_t *h) {
        char drop[64];
        int r = pam_open_session(h, 0);
        const char *attempt = pam_getenv(h, "WARDTAP_ATTEMPT");
        (void) printf("session open: %s attempt=%s\n", code_name(r), attempt ? attempt : "");
        (void) fflush(stdout);
        if (r != PAM_SUCCESS)
                return r;
        while (read(STDIN_FILENO, drop, sizeof(drop)) > 0)
                ;
        r = pam_close_session(h, 0);
        (void) printf("session closed: %s\n", code_name(r));
        return r;
}

static int run(struct client *c) {
        const struct pam_conv conv = {converse, c};
        pam_handle_t *h = NULL;
        if (pam_start(c->service, c->user, &conv, &h) != PAM_SUCCESS)
                return 100;
        (void) pam_set_item(h, PAM_FAIL_DELAY, (const void *) no_delay);
        if (c->rhost)
                (void) pam_set_item(h, PAM_RHOST, c->rhost);
        if (c->tty)
                (void) pam_set_item(h, PAM_TTY, c->tty);
        uint64_t start = now_monotonic_usec();
        int r = pam_authenticate(h, 0);
        print_result(h, r, now_monotonic_usec() - start);
        if (c->memory)
                print_memory();
        int later = r == PAM_SUCCESS ? pam_setcred(h, c->resume ? PAM_REINITIALIZE_CRED : PAM_ESTABLISH_CRED)
                                     : r;
        if (later == PAM_SUCCESS && c->session)
                later = hold_session(h);
        (void) pam_end(h, later);
        return r;
}

static int compare_usec(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
        return (x > y) - (x < y);
}

/* Loading the modules is part of it. */
static int run_rounds(struct client *c) {
        const struct pam_conv conv = {converse, c};
        uint64_t usec[ROUNDS_MAX];
        int r = PAM_ABORT;
        for (unsigned i = 0; i < c->rounds; i++) {
                pam_handle_t *h = NULL;
                uint64_t start = now_monotonic_usec();
                c->at = 0;
                if (pam_start(c->service, c->user, &conv, &h) != PAM_SUCCESS)
                        return 100;
                r = pam_authenticate(h, 0);
                if (r == PAM_SUCCESS && c->session && (r = pam_open_session(h, 0)) == PAM_SUCCESS)
                        r = pam_close_session(h, 0);
                (void) pam_end(h, r);
                usec[i] = now_monotonic_usec() - start;
        }
        qsort(usec, c->rounds, sizeof(usec[0]), compare_usec);
        (void) printf("median of %u: %s in %" PRIu64 " us\n", c->rounds, code_name(r), usec[c->rounds / 2]);
        return r;
}

int main(int argc, char **argv) {
        static const struct option options[] = {{"service", 1, NULL, 's'},
                                                {"user", 1, NULL, 'u'},
                                                {"answer", 1, NULL, 'a'},
                                                {"rhost", 1, NULL, 'h'},
                                                {"session", 0, NULL, 'o'},
                                                {"resume", 0, NULL, 'r'},
                                                {"uid", 1, NULL, 'i'},
                                                {"memory", 0, NULL, 'm'},
                                                {"rounds", 1, NULL, 'n'},
                                                {"tty", 1, NULL, 't'},
                                                {0}};
        struct client client = {.service = "wardtap-test"};
        uint64_t uid = 0, rounds = 0;
        int c;
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 's')
                        client.service = optarg;
                else if (c == 'u')
                        client.user = optarg;
                else if (c == 'a' && client.n_answers < ELEMENTSOF(client.answers))
                        client.answers[client.n_answers++] = optarg;
                else if (c == 'h')
                        client.rhost = optarg;
                else if (c == 't')
                        client.tty = optarg;
                else if (c == 'o')
                        client.session = true;
                else if (c == 'r')
                        client.resume = true;
                else if (c == 'm')
                        client.memory = true;
                else if (c == 'n' && parse_u64(optarg, ROUNDS_MAX, &rounds) == 0)
                        client.rounds = (unsigned) rounds;
                else if (c != 'i' || parse_u64(optarg, UINT32_MAX, &uid) < 0)
                        return 100;
        if (uid > 0 && setuid((uid_t) uid) < 0)
                return 100;
        return client.rounds > 0 ? run_rounds(&client) : run(&client);
}
