/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual key seen through libfido2, with the preload library in between: what a good key does, and that
 * each fault looks as it should. argv[1] is the key program; LD_PRELOAD is set by whoever runs this. */
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define KEY_PATH "virtual:k1"
#define RP "wardtap.example"
#define PIN "1234"
#define PATIENCE_MS 20000 /* for what should answer: a hang is a failure, not a hang */
#define SHORT_MS 300      /* for what should not */

static const char *key_program;
static char folder[] = "/tmp/virtual-key-XXXXXX";
static char state_path[64], log_path[64];
static const uint8_t hash[32] = "client data hash of the test...";

struct plugged {
        pid_t pid;
        FILE *out;
};

/* Those that a failed test left plugged in. */
static pid_t plugged_in[2];

/* A credential as a relying party knows it. */
struct enrolled {
        uint8_t id[64];
        size_t id_len;
        int alg;
        uint8_t public_key[64];
};

struct question {
        const struct enrolled *allow[3];
        const char *pin;
        fido_opt_t up, uv;
};

static void wait_line(struct plugged *k, const char *line) {
        char got[64];
        do
                assert_non_null(fgets(got, sizeof(got), k->out));
        while (strncmp(got, line, strlen(line)) != 0 || got[strlen(line)] != '\n');
}

static struct plugged plug(const char *name, const char *state, const char *const *options) {
        const char *argv[32] = {key_program, "--name", name,    "--state", state,
                                "--dir",     folder,   "--log", log_path};
        int out[2];
        for (size_t n = 9; *options && n < ELEMENTSOF(argv) - 1; n++)
                argv[n] = *options++;
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        struct plugged k = {.pid = fork()};
        assert_true(k.pid >= 0);
        if (k.pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                (void) unsetenv("LD_PRELOAD");
                (void) dup2(out[1], STDOUT_FILENO);
                (void) execv(key_program, (char *const *) argv);
                _exit(127);
        }
        plugged_in[plugged_in[0] > 0] = k.pid;
        (void) close(out[1]);
        k.out = fdopen(out[0], "r");
        assert_non_null(k.out);
        wait_line(&k, "plugged");
        return k;
}

/* More options of the key program, then NULL. */
#define PLUG(...) plug("k1", state_path, (const char *const[]){__VA_ARGS__})

/* It ended, by whatever. */
static void gone(struct plugged *k) {
        int status = -1;
        assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
        plugged_in[plugged_in[0] != k->pid] = 0;
        assert_int_equal(status, 0);
        (void) fclose(k->out);
        *k = (struct plugged){.pid = -1};
}

static void unplug(struct plugged *k) {
        assert_int_equal(kill(k->pid, SIGTERM), 0);
        gone(k);
}

static int pull_all(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(plugged_in); i++)
                if (plugged_in[i] > 0) {
                        (void) kill(plugged_in[i], SIGTERM);
                        (void) waitpid(plugged_in[i], NULL, 0);
                        plugged_in[i] = 0;
                }
        return 0;
}

static fido_dev_t *open_key(void) {
        fido_dev_t *dev = fido_dev_new();
        assert_non_null(dev);
        assert_int_equal(fido_dev_set_timeout(dev, PATIENCE_MS), FIDO_OK);
        assert_int_equal(fido_dev_open(dev, KEY_PATH), FIDO_OK);
        return dev;
}

static void close_key(fido_dev_t *dev) {
        (void) fido_dev_close(dev);
        fido_dev_free(&dev);
}

static fido_cred_t *new_credential(int alg) {
        static const uint8_t user[] = "nurse";
        fido_cred_t *c = fido_cred_new();
        assert_non_null(c);
        assert_int_equal(fido_cred_set_type(c, alg), FIDO_OK);
        assert_int_equal(fido_cred_set_rp(c, RP, "Wardtap"), FIDO_OK);
        assert_int_equal(fido_cred_set_clientdata_hash(c, hash, sizeof(hash)), FIDO_OK);
        assert_int_equal(fido_cred_set_user(c, user, sizeof(user) - 1, "nurse1", NULL, NULL), FIDO_OK);
        return c;
}

static struct enrolled remember(const fido_cred_t *c) {
        struct enrolled e = {.id_len = fido_cred_id_len(c), .alg = fido_cred_type(c)};
        assert_in_range(e.id_len, 16, sizeof(e.id));
        assert_in_range(fido_cred_pubkey_len(c), 32, sizeof(e.public_key));
        memcpy(e.id, fido_cred_id_ptr(c), e.id_len);
        memcpy(e.public_key, fido_cred_pubkey_ptr(c), fido_cred_pubkey_len(c));
        return e;
}

/* A credential that must be made and must verify. */
static struct enrolled enrol(fido_dev_t *dev, int alg, const char *pin) {
        fido_cred_t *c = new_credential(alg);
        assert_int_equal(fido_dev_make_cred(dev, c, pin), FIDO_OK);
        assert_int_equal(fido_cred_x5c_ptr(c) ? fido_cred_verify(c) : fido_cred_verify_self(c), FIDO_OK);
        assert_int_equal(fido_cred_flags(c), CTAP_AUTHDATA_USER_PRESENT | CTAP_AUTHDATA_ATT_CRED |
                                                     (pin ? CTAP_AUTHDATA_USER_VERIFIED : 0));
        struct enrolled e = remember(c);
        fido_cred_free(&c);
        return e;
}

static int ask(fido_dev_t *dev, const struct question *q, fido_assert_t **ret) {
        fido_assert_t *a = fido_assert_new();
        assert_non_null(a);
        assert_int_equal(fido_assert_set_rp(a, RP), FIDO_OK);
        assert_int_equal(fido_assert_set_clientdata_hash(a, hash, sizeof(hash)), FIDO_OK);
        for (size_t i = 0; i < ELEMENTSOF(q->allow) && q->allow[i]; i++)
                assert_int_equal(fido_assert_allow_cred(a, q->allow[i]->id, q->allow[i]->id_len), FIDO_OK);
        assert_int_equal(fido_assert_set_up(a, q->up), FIDO_OK);
        assert_int_equal(fido_assert_set_uv(a, q->uv), FIDO_OK);
        int r = fido_dev_get_assert(dev, a, q->pin);
        if (ret)
                *ret = a;
        else
                fido_assert_free(&a);
        return r;
}

static int verify(const fido_assert_t *a, size_t i, const struct enrolled *e) {
        es256_pk_t *es256 = es256_pk_new();
        eddsa_pk_t *eddsa = eddsa_pk_new();
        assert_non_null(es256);
        assert_non_null(eddsa);
        int r = e->alg == COSE_ES256 ? es256_pk_from_ptr(es256, e->public_key, 64)
                                     : eddsa_pk_from_ptr(eddsa, e->public_key, 32);
        if (r == FIDO_OK)
                r = fido_assert_verify(a, i, e->alg, e->alg == COSE_ES256 ? (void *) es256 : (void *) eddsa);
        es256_pk_free(&es256);
        eddsa_pk_free(&eddsa);
        return r;
}

static bool is_of(const fido_assert_t *a, const struct enrolled *e) {
        return fido_assert_id_len(a, 0) == e->id_len &&
               memcmp(fido_assert_id_ptr(a, 0), e->id, e->id_len) == 0;
}

/* Asks, verifies, and tells the signed flags. */
static int good_assertion(fido_dev_t *dev, const struct question *q, const struct enrolled *e) {
        fido_assert_t *a = NULL;
        assert_int_equal(ask(dev, q, &a), FIDO_OK);
        assert_int_equal(fido_assert_count(a), 1);
        assert_true(is_of(a, e));
        assert_int_equal(verify(a, 0, e), FIDO_OK);
        int flags = fido_assert_flags(a, 0);
        fido_assert_free(&a);
        return flags;
}

/* What the key logged since the last time, as one line. */
static void take_log(char *ret, size_t size) {
        FILE *f = fopen(log_path, "re");
        size_t n = f ? fread(ret, 1, size - 1, f) : 0;
        ret[n] = '\0';
        for (char *p = ret; *p; p++)
                if (*p == '\n')
                        *p = ',';
        if (f)
                (void) fclose(f);
        (void) unlink(log_path);
}

static int new_state(void **state) {
        (void) unlink(state_path);
        (void) unlink(log_path);
        return 0;
}

static void it_is_listed_in_order_with_its_names(void **state) {
        char other[80];
        (void) snprintf(other, sizeof(other), "%s/other-state", folder);
        struct plugged b = plug("k2", other, (const char *const[]){NULL}), a = PLUG(NULL);
        fido_dev_info_t *list = fido_dev_info_new(4);
        size_t n = 0;
        assert_int_equal(fido_dev_info_manifest(list, 4, &n), FIDO_OK);
        assert_int_equal(n, 2);
        const fido_dev_info_t *first = fido_dev_info_ptr(list, 0);
        assert_string_equal(fido_dev_info_path(first), KEY_PATH);
        assert_string_equal(fido_dev_info_path(fido_dev_info_ptr(list, 1)), "virtual:k2");
        assert_string_equal(fido_dev_info_product_string(first), "Virtual key");
        assert_int_equal(fido_dev_info_vendor(first), 0x1209);
        fido_dev_t *dev = fido_dev_new_with_info(first);
        assert_int_equal(fido_dev_open_with_info(dev), FIDO_OK);
        assert_true(fido_dev_is_fido2(dev));
        close_key(dev);
        assert_int_equal(fido_dev_info_manifest(list, 1, &n), FIDO_OK);
        assert_int_equal(n, 1);
        fido_dev_info_free(&list, 4);
        unplug(&a);
        unplug(&b);
}

static void both_algorithms_and_all_attestations_verify(void **state) {
        static const char *const kinds[] = {"self", "basic"};
        static const int algs[] = {COSE_ES256, COSE_EDDSA};
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                struct plugged k = PLUG("--attestation", kinds[i], NULL);
                fido_dev_t *dev = open_key();
                for (size_t j = 0; j < ELEMENTSOF(algs); j++) {
                        struct enrolled e = enrol(dev, algs[j], NULL);
                        assert_int_equal(good_assertion(dev, &(struct question){.allow = {&e}}, &e),
                                         CTAP_AUTHDATA_USER_PRESENT);
                }
                close_key(dev);
                unplug(&k);
        }
        struct plugged k = PLUG("--attestation", "none", NULL);
        fido_dev_t *dev = open_key();
        fido_cred_t *c = new_credential(COSE_ES256);
        assert_int_equal(fido_dev_make_cred(dev, c, NULL), FIDO_OK);
        assert_string_equal(fido_cred_fmt(c), "none");
        fido_cred_free(&c);
        close_key(dev);
        unplug(&k);
}

static void a_pin_verifies_over_both_protocols(void **state) {
        static const char *const protocols[] = {"1", "2"};
        for (size_t i = 0; i < ELEMENTSOF(protocols); i++) {
                struct plugged k = PLUG("--pin", PIN, "--protocols", protocols[i], NULL);
                fido_dev_t *dev = open_key();
                assert_int_equal(fido_dev_has_pin(dev), true);
                struct enrolled e = enrol(dev, COSE_ES256, PIN);
                assert_int_equal(good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e),
                                 CTAP_AUTHDATA_USER_PRESENT | CTAP_AUTHDATA_USER_VERIFIED);
                assert_int_equal(good_assertion(dev, &(struct question){.allow = {&e}}, &e),
                                 CTAP_AUTHDATA_USER_PRESENT);
                close_key(dev);
                unplug(&k);
        }
}

static void a_pin_is_set_changed_and_kept(void **state) {
        for (int protocol = 1; protocol <= 2; protocol++) {
                (void) new_state(state);
                const char *number = protocol == 1 ? "1" : "2";
                struct plugged k = PLUG("--protocols", number, NULL);
                fido_dev_t *dev = open_key();
                assert_int_equal(fido_dev_set_pin(dev, "123", NULL), FIDO_ERR_PIN_POLICY_VIOLATION);
                assert_int_equal(fido_dev_set_pin(dev, PIN, NULL), FIDO_OK);
                assert_int_equal(fido_dev_set_pin(dev, "5678", NULL), FIDO_ERR_PIN_AUTH_INVALID);
                assert_int_equal(fido_dev_set_pin(dev, "56789", "4321"), FIDO_ERR_PIN_INVALID);
                assert_int_equal(fido_dev_set_pin(dev, "56789", PIN), FIDO_OK);
                close_key(dev);
                unplug(&k);
                k = PLUG("--protocols", number, NULL);
                dev = open_key();
                (void) enrol(dev, COSE_ES256, "56789");
                close_key(dev);
                unplug(&k);
        }
}

static void three_wrong_pins_need_a_replug_and_eight_block(void **state) {
        static const int expected[] = {FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_AUTH_BLOCKED,
                                       FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_AUTH_BLOCKED,
                                       FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_BLOCKED};
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, PIN);
        const struct question wrong = {.allow = {&e}, .pin = "9999"}, right = {.allow = {&e}, .pin = PIN};
        for (int i = 0; i < (int) ELEMENTSOF(expected); i++) {
                int left = -1;
                assert_int_equal(ask(dev, &wrong, NULL), expected[i]);
                assert_int_equal(fido_dev_get_retry_count(dev, &left), FIDO_OK);
                assert_int_equal(left, 7 - i);
                if (expected[i] != FIDO_ERR_PIN_AUTH_BLOCKED)
                        continue;
                assert_int_equal(ask(dev, &right, NULL), FIDO_ERR_PIN_AUTH_BLOCKED);
                close_key(dev);
                unplug(&k);
                k = PLUG(NULL);
                dev = open_key();
        }
        assert_int_equal(ask(dev, &right, NULL), FIDO_ERR_PIN_BLOCKED);
        close_key(dev);
        unplug(&k);
        k = PLUG(NULL);
        dev = open_key();
        assert_int_equal(ask(dev, &right, NULL), FIDO_ERR_PIN_BLOCKED);
        assert_int_equal(fido_dev_reset(dev), FIDO_OK);
        assert_int_equal(fido_dev_set_pin(dev, PIN, NULL), FIDO_OK);
        assert_int_equal(ask(dev, &right, NULL), FIDO_ERR_NO_CREDENTIALS);
        close_key(dev);
        unplug(&k);
}

static void a_right_pin_gives_the_tries_back(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, PIN);
        int left = -1;
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}, .pin = "9999"}, NULL),
                         FIDO_ERR_PIN_INVALID);
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e);
        assert_int_equal(fido_dev_get_retry_count(dev, &left), FIDO_OK);
        assert_int_equal(left, 8);
        close_key(dev);
        unplug(&k);
}

static void a_finger_verifies_and_one_touch_is_enough(void **state) {
        struct plugged k = PLUG("--uv", "yes", "--touch", "signal", NULL);
        fido_dev_t *dev = open_key();
        fido_cred_t *c = new_credential(COSE_ES256);
        assert_int_equal(fido_cred_set_uv(c, FIDO_OPT_TRUE), FIDO_OK);
        assert_true(fido_dev_has_uv(dev));
        close_key(dev);
        unplug(&k);
        k = PLUG("--uv", "yes", NULL);
        dev = open_key();
        char log[512];
        take_log(log, sizeof(log));
        assert_int_equal(fido_dev_make_cred(dev, c, NULL), FIDO_OK);
        assert_true(fido_cred_flags(c) & CTAP_AUTHDATA_USER_VERIFIED);
        struct enrolled e = remember(c);
        fido_cred_free(&c);
        assert_int_equal(good_assertion(dev, &(struct question){.allow = {&e}, .uv = FIDO_OPT_TRUE}, &e),
                         CTAP_AUTHDATA_USER_PRESENT | CTAP_AUTHDATA_USER_VERIFIED);
        assert_int_equal(good_assertion(dev, &(struct question){.allow = {&e}}, &e),
                         CTAP_AUTHDATA_USER_PRESENT);
        take_log(log, sizeof(log));
        assert_non_null(strstr(log, "clientPIN getPinUvAuthTokenUsingUvWithPermissions,getAssertion,"));
        close_key(dev);
        unplug(&k);
}

static void a_wrong_finger_is_refused_and_three_block_until_the_pin(void **state) {
        static const int expected[] = {FIDO_ERR_UV_INVALID, FIDO_ERR_UV_INVALID, FIDO_ERR_UV_BLOCKED,
                                       FIDO_ERR_UV_BLOCKED};
        struct plugged k = PLUG("--uv", "yes", "--pin", PIN, "--finger", "wrong", NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, PIN);
        const struct question finger = {.allow = {&e}, .uv = FIDO_OPT_TRUE};
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_int_equal(ask(dev, &finger, NULL), expected[i]);
        close_key(dev);
        unplug(&k);
        k = PLUG("--uv", "yes", NULL);
        dev = open_key();
        assert_int_equal(ask(dev, &finger, NULL), FIDO_ERR_UV_BLOCKED);
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e);
        (void) good_assertion(dev, &finger, &e);
        close_key(dev);
        unplug(&k);
}

static void a_key_that_holds_an_excluded_credential_says_so(void **state) {
        struct plugged k = PLUG(NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, NULL);
        fido_cred_t *c = new_credential(COSE_ES256);
        assert_int_equal(fido_cred_exclude(c, (const uint8_t *) "another key's id", 16), FIDO_OK);
        assert_int_equal(fido_cred_exclude(c, e.id, e.id_len), FIDO_OK);
        assert_int_equal(fido_dev_make_cred(dev, c, NULL), FIDO_ERR_CREDENTIAL_EXCLUDED);
        fido_cred_free(&c);
        close_key(dev);
        unplug(&k);
}

static void of_three_allowed_it_uses_the_one_it_has(void **state) {
        struct plugged k = PLUG(NULL);
        fido_dev_t *dev = open_key();
        struct enrolled mine = enrol(dev, COSE_EDDSA, NULL), strange = mine, longer = mine;
        strange.id[0] ^= 1;
        longer.id_len += 8;
        (void) good_assertion(dev, &(struct question){.allow = {&strange, &mine, &longer}}, &mine);
        assert_int_equal(ask(dev, &(struct question){.allow = {&strange, &longer}}, NULL),
                         FIDO_ERR_NO_CREDENTIALS);
        close_key(dev);
        unplug(&k);
}

static void a_preflight_needs_no_touch_and_claims_none(void **state) {
        struct plugged k = PLUG(NULL);
        fido_dev_t *dev = open_key();
        struct enrolled mine = enrol(dev, COSE_ES256, NULL), strange = mine;
        strange.id[0] ^= 1;
        close_key(dev);
        unplug(&k);
        k = PLUG("--touch", "never", NULL);
        dev = open_key();
        assert_int_equal(
                good_assertion(dev, &(struct question){.allow = {&mine}, .up = FIDO_OPT_FALSE}, &mine), 0);
        assert_int_equal(ask(dev, &(struct question){.allow = {&strange}, .up = FIDO_OPT_FALSE}, NULL),
                         FIDO_ERR_NO_CREDENTIALS);
        assert_int_equal(ask(dev, &(struct question){.allow = {&strange}}, NULL), FIDO_ERR_NO_CREDENTIALS);
        close_key(dev);
        unplug(&k);
}

static void a_credential_that_wants_verification_hides_without_it(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        fido_cred_t *c = new_credential(COSE_ES256);
        assert_int_equal(fido_cred_set_prot(c, FIDO_CRED_PROT_UV_REQUIRED), FIDO_OK);
        assert_int_equal(fido_dev_make_cred(dev, c, PIN), FIDO_OK);
        assert_int_equal(fido_cred_verify_self(c), FIDO_OK); /* checks the extension's output too */
        struct enrolled e = remember(c);
        fido_cred_free(&c);
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}}, NULL), FIDO_ERR_NO_CREDENTIALS);
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e);
        close_key(dev);
        unplug(&k);
}

static struct enrolled enrol_resident(fido_dev_t *dev, uint8_t user) {
        fido_cred_t *c = new_credential(COSE_ES256);
        fido_cred_t *named = fido_cred_new();
        assert_non_null(named);
        fido_cred_free(&c);
        assert_int_equal(fido_cred_set_type(named, COSE_ES256), FIDO_OK);
        assert_int_equal(fido_cred_set_rp(named, RP, "Wardtap"), FIDO_OK);
        assert_int_equal(fido_cred_set_clientdata_hash(named, hash, sizeof(hash)), FIDO_OK);
        assert_int_equal(fido_cred_set_user(named, &user, 1, "nurse", NULL, NULL), FIDO_OK);
        assert_int_equal(fido_cred_set_rk(named, FIDO_OPT_TRUE), FIDO_OK);
        assert_int_equal(fido_dev_make_cred(dev, named, PIN), FIDO_OK);
        struct enrolled e = remember(named);
        fido_cred_free(&named);
        return e;
}

static void resident_credentials_come_one_after_the_other(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        struct enrolled first = enrol_resident(dev, 1), second = enrol_resident(dev, 2);
        fido_assert_t *a = NULL;
        (void) enrol(dev, COSE_ES256, NULL); /* not resident: not shown */
        assert_int_equal(ask(dev, &(struct question){.pin = PIN}, &a), FIDO_OK);
        assert_int_equal(fido_assert_count(a), 2);
        assert_int_equal(verify(a, 0, &second), FIDO_OK);
        assert_int_equal(verify(a, 1, &first), FIDO_OK);
        assert_int_equal(fido_assert_user_id_ptr(a, 1)[0], 1);
        fido_assert_free(&a);
        close_key(dev);
        unplug(&k);
}

static void a_late_touch_is_waited_for(void **state) {
        struct plugged k = PLUG("--touch", "delay:400", NULL);
        fido_dev_t *dev = open_key();
        uint64_t began = now_monotonic_usec();
        (void) enrol(dev, COSE_ES256, NULL);
        assert_in_range(now_monotonic_usec() - began, 390000, 10000000);
        close_key(dev);
        unplug(&k);
}

static void no_touch_ends_with_the_error_of_the_standard_or_another(void **state) {
        struct plugged k = PLUG("--uv", "yes", NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, NULL);
        close_key(dev);
        unplug(&k);
        k = PLUG("--uv", "yes", "--touch", "never", "--touch-timeout", "250", NULL);
        dev = open_key();
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}}, NULL), FIDO_ERR_OPERATION_DENIED);
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}, .uv = FIDO_OPT_TRUE}, NULL),
                         FIDO_ERR_USER_ACTION_TIMEOUT);
        close_key(dev);
        unplug(&k);
        k = PLUG("--touch", "never", "--touch-timeout", "250", "--timeout-error", "3a", NULL);
        dev = open_key();
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}}, NULL), FIDO_ERR_ACTION_TIMEOUT);
        close_key(dev);
        unplug(&k);
}

/* Does something once the key wants a touch, while the main thread waits in libfido2. */
struct helper {
        struct plugged *key;
        fido_dev_t *dev;
        pthread_t caller;
        enum { TOUCH, CANCEL, PULL, SIGNAL } what;
};

static void *help(void *arg) {
        struct helper *h = arg;
        wait_line(h->key, "touch-wanted");
        switch (h->what) {
        case TOUCH:
                (void) kill(h->key->pid, SIGUSR1);
                break;
        case CANCEL:
                (void) fido_dev_cancel(h->dev);
                break;
        case PULL:
                (void) kill(h->key->pid, SIGTERM);
                break;
        case SIGNAL:
                (void) pthread_kill(h->caller, SIGUSR2);
                break;
        }
        return NULL;
}

static int make_while(struct helper *h) {
        pthread_t thread;
        h->caller = pthread_self();
        fido_cred_t *c = new_credential(COSE_ES256);
        assert_int_equal(pthread_create(&thread, NULL, help, h), 0);
        int r = fido_dev_make_cred(h->dev, c, NULL);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fido_cred_free(&c);
        return r;
}

static void a_signal_is_a_touch_and_a_cancel_ends_the_wait(void **state) {
        struct plugged k = PLUG("--touch", "signal", NULL);
        fido_dev_t *dev = open_key();
        struct helper h = {.key = &k, .dev = dev, .what = TOUCH};
        assert_int_equal(make_while(&h), FIDO_OK);
        h.what = CANCEL;
        assert_int_equal(make_while(&h), FIDO_ERR_KEEPALIVE_CANCEL);
        h.what = TOUCH; /* and it is usable again */
        assert_int_equal(make_while(&h), FIDO_OK);
        close_key(dev);
        unplug(&k);
}

static void a_key_pulled_during_the_wait_fails_at_once(void **state) {
        struct plugged k = PLUG("--touch", "never", NULL);
        fido_dev_t *dev = open_key();
        struct helper h = {.key = &k, .dev = dev, .what = PULL};
        uint64_t began = now_monotonic_usec();
        assert_int_equal(make_while(&h), FIDO_ERR_RX);
        assert_in_range(now_monotonic_usec() - began, 0, 5000000);
        gone(&k);
        close_key(dev);
        dev = fido_dev_new();
        assert_int_equal(fido_dev_open(dev, KEY_PATH), FIDO_ERR_INTERNAL);
        fido_dev_free(&dev);
}

static void ignore(int signal) {
}

static void a_signal_that_the_mask_lets_through_ends_the_read(void **state) {
        struct plugged k = PLUG("--touch", "never", NULL);
        fido_dev_t *dev = open_key();
        struct helper h = {.key = &k, .dev = dev, .what = SIGNAL};
        sigset_t blocked, old;
        const struct sigaction sa = {.sa_handler = ignore};
        assert_int_equal(sigaction(SIGUSR2, &sa, NULL), 0);
        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGUSR2);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &old), 0);
        assert_int_equal(fido_dev_set_sigmask(dev, &old), FIDO_OK);
        assert_int_equal(make_while(&h), FIDO_ERR_RX);
        assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
        assert_int_equal(fido_dev_cancel(dev), FIDO_OK);
        close_key(dev);
        unplug(&k);
}

/* A real key knows nothing of who has it open: only CANCEL or its own timeout ends the wait. */
static void a_client_that_vanishes_leaves_the_key_busy_unless_told_otherwise(void **state) {
        static const char *const kinds[] = {"keep", "release"}, *const patience[] = {"60000", "500"};
        static const int expected[] = {FIDO_ERR_RX, FIDO_ERR_OPERATION_DENIED};
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                struct plugged k = PLUG("--touch", "never", "--on-close", kinds[i], "--touch-timeout",
                                        patience[i], NULL);
                fido_dev_t *dev = open_key();
                fido_cred_t *c = new_credential(COSE_ES256);
                assert_int_equal(fido_dev_set_timeout(dev, SHORT_MS), FIDO_OK);
                assert_int_equal(fido_dev_make_cred(dev, c, NULL), FIDO_ERR_RX);
                close_key(dev);
                dev = fido_dev_new();
                assert_int_equal(fido_dev_set_timeout(dev, PATIENCE_MS), FIDO_OK);
                int r = fido_dev_open(dev, KEY_PATH); /* its getInfo finds the key busy */
                if (r == FIDO_OK)
                        r = fido_dev_is_fido2(dev) ? fido_dev_make_cred(dev, c, NULL) : FIDO_ERR_RX;
                assert_int_equal(r, expected[i]);
                fido_cred_free(&c);
                close_key(dev);
                unplug(&k);
        }
}

static void a_second_client_waits_for_its_turn(void **state) {
        struct plugged k = PLUG(NULL);
        fido_dev_t *first = open_key(), *second = fido_dev_new();
        assert_int_equal(fido_dev_set_timeout(second, SHORT_MS), FIDO_OK);
        assert_int_equal(fido_dev_open(second, KEY_PATH), FIDO_ERR_RX);
        (void) enrol(first, COSE_ES256, NULL);
        close_key(first);
        assert_int_equal(fido_dev_set_timeout(second, PATIENCE_MS), FIDO_OK);
        assert_int_equal(fido_dev_open(second, KEY_PATH), FIDO_OK);
        (void) enrol(second, COSE_ES256, NULL);
        close_key(second);
        unplug(&k);
}

static void round_trips_can_be_counted(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        char log[512];
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, NULL);
        close_key(dev);
        take_log(log, sizeof(log));
        assert_string_equal(log, "INIT,getInfo,makeCredential,");
        dev = open_key();
        (void) good_assertion(dev, &(struct question){.allow = {&e}}, &e);
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .up = FIDO_OPT_FALSE}, &e);
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e);
        take_log(log, sizeof(log));
        assert_string_equal(log, "INIT,getInfo,getAssertion,getAssertion up=false,clientPIN getKeyAgreement,"
                                 "clientPIN getPinUvAuthTokenUsingPinWithPermissions,getAssertion,");
        close_key(dev);
        unplug(&k);
}

static void the_counter_goes_on_over_a_replug(void **state) {
        struct plugged k = PLUG(NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, NULL);
        uint32_t last = 1;
        for (int i = 0; i < 3; i++) {
                fido_assert_t *a = NULL;
                close_key(dev);
                unplug(&k);
                k = PLUG(NULL);
                dev = open_key();
                assert_int_equal(ask(dev, &(struct question){.allow = {&e}}, &a), FIDO_OK);
                assert_true(fido_assert_sigcount(a, 0) > last);
                last = fido_assert_sigcount(a, 0);
                fido_assert_free(&a);
        }
        close_key(dev);
        unplug(&k);
}

/* What libfido2 makes of each fault in an assertion with PIN. `names` and `counter` are for what libfido2
 * lets pass: the caller has to look. */
static const struct {
        const char *fault;
        int asked, verified;
        bool names_it;
        int flags;
        enum { GROWS, ONE, ZERO } counter;
} faults[] = {
        {"none", FIDO_OK, FIDO_OK, true, 5, GROWS},
        {"wrong-signature", FIDO_OK, FIDO_ERR_INVALID_SIG, true, 5, GROWS},
        {"wrong-credential-id", FIDO_OK, FIDO_OK, false, 5, GROWS},
        {"uv-clear", FIDO_OK, FIDO_OK, true, 1, GROWS},
        {"up-clear", FIDO_OK, FIDO_ERR_INVALID_PARAM, true, 4, GROWS},
        {"counter-back", FIDO_OK, FIDO_OK, true, 5, ONE},
        {"counter-zero", FIDO_OK, FIDO_OK, true, 5, ZERO},
        {"extra-cbor", FIDO_OK, FIDO_OK, true, 5, GROWS},
        {"wrong-rp", FIDO_OK, FIDO_ERR_INVALID_PARAM, true, 5, GROWS},
        {"other-key", FIDO_OK, FIDO_ERR_INVALID_SIG, true, 5, GROWS},
        {"other-credential", FIDO_OK, FIDO_ERR_INVALID_SIG, false, 5, GROWS},
        {"slow:300", FIDO_OK, FIDO_OK, true, 5, GROWS},
        {"truncated-cbor", FIDO_ERR_RX_NOT_CBOR, 0, false, 0, GROWS},
};

static void check_fault(fido_dev_t *dev, size_t i, const struct enrolled *e) {
        fido_assert_t *a = NULL;
        assert_int_equal(ask(dev, &(struct question){.allow = {e}, .pin = PIN}, &a), faults[i].asked);
        if (faults[i].asked == FIDO_OK) {
                assert_int_equal(fido_assert_flags(a, 0), faults[i].flags);
                assert_int_equal(is_of(a, e), faults[i].names_it);
                uint32_t count = fido_assert_sigcount(a, 0);
                assert_true(faults[i].counter == GROWS ? count > 2 : count == (faults[i].counter == ONE));
                assert_int_equal(fido_assert_set_up(a, FIDO_OPT_TRUE), FIDO_OK);
                assert_int_equal(verify(a, 0, e), faults[i].verified);
        }
        fido_assert_free(&a);
}

static void each_fault_of_an_assertion_looks_as_it_should(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        struct enrolled mine = enrol(dev, COSE_ES256, PIN);
        (void) enrol(dev, COSE_ES256, NULL);
        (void) good_assertion(dev, &(struct question){.allow = {&mine}}, &mine);
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                close_key(dev);
                unplug(&k);
                k = PLUG("--fault", faults[i].fault, NULL);
                dev = open_key();
                check_fault(dev, i, &mine);
        }
        close_key(dev);
        unplug(&k);
}

static void each_fault_of_a_credential_looks_as_it_should(void **state) {
        static const struct {
                const char *fault;
                int made, verified;
        } table[] = {
                {"wrong-signature", FIDO_OK, FIDO_ERR_INVALID_SIG},
                {"wrong-rp", FIDO_OK, FIDO_ERR_INVALID_PARAM},
                {"up-clear", FIDO_OK, FIDO_ERR_INVALID_PARAM},
                {"truncated-cbor", FIDO_ERR_RX_NOT_CBOR, 0},
        };
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct plugged k = PLUG("--fault", table[i].fault, NULL);
                fido_dev_t *dev = open_key();
                fido_cred_t *c = new_credential(COSE_ES256);
                assert_int_equal(fido_dev_make_cred(dev, c, NULL), table[i].made);
                if (table[i].made == FIDO_OK)
                        assert_int_equal(fido_cred_verify_self(c), table[i].verified);
                fido_cred_free(&c);
                close_key(dev);
                unplug(&k);
        }
}

/* Silence shows as a timeout, and at which step is the fault's. */
static void a_silent_key_times_out(void **state) {
        static const struct {
                const char *fault;
                bool opens, cancels;
        } table[] = {
                {"silent", true, false}, {"silent-open", false, false}, {"stuck-keepalive", true, true}};
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct plugged k = PLUG("--fault", table[i].fault, NULL);
                fido_dev_t *dev = fido_dev_new();
                fido_cred_t *c = new_credential(COSE_ES256);
                assert_int_equal(fido_dev_set_timeout(dev, SHORT_MS), FIDO_OK);
                assert_int_equal(fido_dev_open(dev, KEY_PATH), table[i].opens ? FIDO_OK : FIDO_ERR_RX);
                if (table[i].opens)
                        assert_int_equal(fido_dev_make_cred(dev, c, NULL), FIDO_ERR_RX);
                fido_cred_free(&c);
                close_key(dev);
                unplug(&k);
        }
}

static void a_key_without_fido2_is_no_fido2_key(void **state) {
        static const struct {
                const char *fault;
                int opened;
        } table[] = {{"u2f-only", FIDO_OK},
                     {"info-fails", FIDO_ERR_INVALID_COMMAND},
                     {"silent-info", FIDO_ERR_RX}};
        fido_init(FIDO_DISABLE_U2F_FALLBACK);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct plugged k = PLUG("--fault", table[i].fault, NULL);
                fido_dev_t *dev = fido_dev_new();
                assert_int_equal(fido_dev_set_timeout(dev, SHORT_MS), FIDO_OK);
                assert_int_equal(fido_dev_open(dev, KEY_PATH), table[i].opened);
                if (table[i].opened == FIDO_OK)
                        assert_false(fido_dev_is_fido2(dev));
                close_key(dev);
                unplug(&k);
        }
        fido_init(0);
}

static void reset_is_only_for_a_key_just_plugged_in_and_needs_a_touch(void **state) {
        struct plugged k = PLUG("--pin", PIN, NULL);
        fido_dev_t *dev = open_key();
        struct enrolled e = enrol(dev, COSE_ES256, PIN);
        close_key(dev);
        unplug(&k);
        k = PLUG("--touch", "never", "--touch-timeout", "100", NULL);
        dev = open_key();
        assert_int_equal(fido_dev_reset(dev), FIDO_ERR_USER_ACTION_TIMEOUT);
        close_key(dev);
        unplug(&k);
        k = PLUG(NULL);
        dev = open_key();
        (void) good_assertion(dev, &(struct question){.allow = {&e}, .pin = PIN}, &e);
        assert_int_equal(fido_dev_reset(dev), FIDO_OK);
        assert_int_equal(ask(dev, &(struct question){.allow = {&e}}, NULL), FIDO_ERR_NO_CREDENTIALS);
        close_key(dev);
        unplug(&k);
}

int main(int argc, char **argv) {
#define T(f) cmocka_unit_test_setup_teardown(f, new_state, pull_all)
        const struct CMUnitTest tests[] = {
                T(it_is_listed_in_order_with_its_names),
                T(both_algorithms_and_all_attestations_verify),
                T(a_pin_verifies_over_both_protocols),
                T(a_pin_is_set_changed_and_kept),
                T(three_wrong_pins_need_a_replug_and_eight_block),
                T(a_right_pin_gives_the_tries_back),
                T(a_finger_verifies_and_one_touch_is_enough),
                T(a_wrong_finger_is_refused_and_three_block_until_the_pin),
                T(a_key_that_holds_an_excluded_credential_says_so),
                T(of_three_allowed_it_uses_the_one_it_has),
                T(a_preflight_needs_no_touch_and_claims_none),
                T(a_credential_that_wants_verification_hides_without_it),
                T(resident_credentials_come_one_after_the_other),
                T(a_late_touch_is_waited_for),
                T(no_touch_ends_with_the_error_of_the_standard_or_another),
                T(a_signal_is_a_touch_and_a_cancel_ends_the_wait),
                T(a_key_pulled_during_the_wait_fails_at_once),
                T(a_signal_that_the_mask_lets_through_ends_the_read),
                T(a_client_that_vanishes_leaves_the_key_busy_unless_told_otherwise),
                T(a_second_client_waits_for_its_turn),
                T(round_trips_can_be_counted),
                T(the_counter_goes_on_over_a_replug),
                T(each_fault_of_an_assertion_looks_as_it_should),
                T(each_fault_of_a_credential_looks_as_it_should),
                T(a_silent_key_times_out),
                T(a_key_without_fido2_is_no_fido2_key),
                T(reset_is_only_for_a_key_just_plugged_in_and_needs_a_touch),
        };
        if (argc != 2 || !mkdtemp(folder))
                return 2;
        key_program = argv[1];
        (void) snprintf(state_path, sizeof(state_path), "%s/state", folder);
        (void) snprintf(log_path, sizeof(log_path), "%s/log", folder);
        (void) setenv("VIRTUAL_KEYS_DIR", folder, 1);
        fido_init(0);
        int r = cmocka_run_group_tests(tests, NULL, NULL);
        char other[80];
        (void) snprintf(other, sizeof(other), "%s/other-state", folder);
        (void) unlink(other);
        (void) new_state(NULL);
        (void) rmdir(folder);
        return r;
}
