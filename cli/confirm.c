/* SPDX-License-Identifier: Apache-2.0 */
/* A person confirms something at this terminal, by a key of hers that checks its owner. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/emergency.h"
#include "cli/key_talk.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/fido.h"

#define DEVICE_GRACE_USEC (2U * 1000U * 1000U)

struct confirmation {
        const struct rules *rules;
        const struct store_person *person;
        struct store_key keys[STORE_KEYS_MAX];
        size_t n_keys;
        uint8_t hash[32];
        struct device_assertion answer;
};

static size_t allow_list(const struct confirmation *c, struct device_blob *allow) {
        size_t n = 0;
        for (size_t i = 0; i < c->n_keys && n < DEVICE_ALLOW_MAX; i++)
                if (c->keys[i].suspended_usec == 0 && strcmp(c->keys[i].rp_id, c->rules->relying_party) == 0)
                        allow[n++] =
                                (struct device_blob){c->keys[i].credential_id, c->keys[i].credential_id_len};
        return n;
}

static int ask(struct confirmation *c, struct terminal *t, struct pin *pin, uint64_t timeout_usec) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        struct device_blob allow[DEVICE_ALLOW_MAX];
        uint8_t challenge[FIDO_CHALLENGE_SIZE];
        struct device_event event;
        struct key_talk talk = {.terminal = t,
                                .pin = pin,
                                .deadline_usec = now_monotonic_usec() + timeout_usec + DEVICE_GRACE_USEC,
                                .user = c->person->user};
        struct device_assert_request q = {.rp_id = c->rules->relying_party,
                                          .verify = DEVICE_VERIFY_YES,
                                          .allow = allow,
                                          .n_allow = allow_list(c, allow)};
        if (q.n_allow == 0)
                return fail(CLI_NOT_FOUND, _("%s (%s) has no key. Enrol one with: wardtap key enrol %s"),
                            c->person->full_name, c->person->user, c->person->user);
        if (getrandom(challenge, sizeof(challenge), 0) != (ssize_t) sizeof(challenge) ||
            fido_client_data_hash("webauthn.get", challenge, q.rp_id, c->hash) < 0)
                return fail(CLI_FAILED, _("No challenge could be made for the key."));
        memcpy(q.client_data_hash, c->hash, sizeof(c->hash));
        int r = device_get_assertion(&q, (unsigned) (timeout_usec / 1000U), &op);
        if (r < 0)
                return key_start_failed(r);
        if ((r = key_follow(&talk, op, DEVICE_EVENT_ASSERTION, &event)) != CLI_OK)
                return r;
        c->answer = event.assertion;
        return CLI_OK;
}

static const struct store_key *find_key(const struct confirmation *c) {
        for (size_t i = 0; i < c->n_keys; i++)
                if (c->keys[i].suspended_usec == 0 &&
                    c->keys[i].credential_id_len == c->answer.credential_id_len &&
                    memcmp(c->keys[i].credential_id, c->answer.credential_id, c->answer.credential_id_len) ==
                            0 &&
                    strcmp(c->keys[i].rp_id, c->rules->relying_party) == 0)
                        return &c->keys[i];
        return NULL;
}

/* Only attempts write counters. A copy that is behind is seen all the same. */
static bool counter_is_behind(int64_t key, uint32_t counter) {
        _cleanup_(store_closep) struct store *state = NULL;
        uint32_t stored = 0;
        if (store_open_state(PATH_STATE_DB, true, &state) < 0 || store_counter(state, key, &stored) < 0)
                return false;
        return (stored > 0 || counter > 0) && counter <= stored;
}

static int judge(const struct confirmation *c, char ret_token[17]) {
        const struct store_key *k = find_key(c);
        struct fido_assertion a = {0};
        enum reason why = REASON_KEY_FORGED;
        if (k)
                why = fido_check_assertion(k->rp_id, c->hash, k->public_key, k->public_key_len,
                                           c->answer.authdata, c->answer.authdata_len, c->answer.signature,
                                           c->answer.signature_len, &a);
        if (why == REASON_NONE && !a.verified)
                why = REASON_KEY_NO_VERIFICATION;
        if (why == REASON_NONE && counter_is_behind(k->id, a.counter))
                why = REASON_KEY_COUNTER;
        if (why != REASON_NONE)
                return fail(CLI_FAILED,
                            _("What the key answered is not accepted (%s), and nothing was changed."),
                            reason_name(why));
        memcpy(ret_token, k->token, 17);
        return CLI_OK;
}

int confirm_by_key(struct admin *a, const struct rules *rules, const struct store_person *p,
                   const char *what, uint64_t timeout_usec, char ret_token[17]) {
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        _cleanup_(pin_erase) struct pin pin = {0};
        _cleanup_(freep) struct confirmation *c = calloc(1, sizeof(*c));
        if (!c)
                return fail(CLI_FAILED, _("There is not enough memory."));
        c->rules = rules;
        c->person = p;
        int r = store_person_keys(a->store, p->id, c->keys, &c->n_keys);
        if (r < 0)
                return admin_store_failed(r);
        if ((r = terminal_open(&t, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        terminal_say(_("%s (%s): %s"), p->full_name, p->user, what);
        r = ask(c, &t, &pin, timeout_usec);
        return r == CLI_OK ? judge(c, ret_token) : r;
}
