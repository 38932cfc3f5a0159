/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: the input gets a good hash, so that the fuzzer reaches what is behind it. What is read is
 * written as the same bytes, and a decision by it is one of those that exist. */
#include "common/util.h"
#include "policy/decide.h"

#include <openssl/evp.h>

static void decide(const struct rules *r, enum policy_verdict *ret) {
        const struct policy_person person = {
                .id = 1,
                .has_account = true,
                .has_keys = true,
                .own_session = true,
                .groups = r->n_roles > 0 ? r->roles[0].groups : (struct words){0},
        };
        const struct policy_history history = {.failures = 200};
        const struct policy_question q = {
                .rules = r,
                .service = r->n_services > 0 ? r->services[0].name : "login",
                .tags = &r->tags,
                .person = &person,
                .history = &history,
                .evidence = {.badge = BADGE_NUMBER, .badge_id = 1, .badge_person = 1},
                .clock = {.realtime_usec = 1, .boottime_usec = 1, .boot_id = "b", .trusted = true},
        };
        struct policy_decision d;
        policy_decide(&q, &d);
        *ret = d.verdict;
}

/* Older versions are read, and written as the one in use. */
static bool is_current(const uint8_t *data, const uint8_t *again) {
        return memcmp(data, again, 10) == 0;
}

static bool is_readable(const uint8_t *p, size_t n) {
        struct rules *r = NULL;
        bool readable = rules_read(p, n, &r) == 0;
        rules_free(r);
        return readable;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) uint8_t *sealed = malloc(size + 32), *again = NULL;
        struct rules *r = NULL;
        enum policy_verdict verdict = POLICY_VERDICT_MAX;
        size_t n;
        if (size > 0)
                memcpy(sealed, data, size);
        if (EVP_Digest(sealed, size, sealed + size, NULL, EVP_sha256(), NULL) != 1)
                abort();
        if (rules_read(data, size, &r) == 0)
                abort(); /* nobody finds a hash by chance */
        if (rules_read(sealed, size + 32, &r) < 0)
                return 0;
        if (rules_write(r, &again, &n) < 0)
                abort();
        if (is_current(data, again) ? n != size + 32 || memcmp(again, sealed, n) != 0
                                    : !is_readable(again, n))
                abort();
        decide(r, &verdict);
        if (verdict >= POLICY_VERDICT_MAX)
                abort();
        rules_free(r);
        return 0;
}
