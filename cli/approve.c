/* SPDX-License-Identifier: Apache-2.0 */
/* One approval: whether she may, her key's answer, and what is written down of it. */
#include "cli/approve.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/clock.h"
#include "cli/key_talk.h"
#include "cli/rules_load.h"
#include "cli/state_write.h"
#include "cli/who.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/fido.h"

#define DEVICE_GRACE_USEC (2U * 1000U * 1000U)

struct asking {
        struct admin *admin;
        const struct approval *what;
        struct rules *rules;
        struct tags tags;
        struct who approver;
        struct policy_history history;
        struct policy_clock clock;
        const struct rule_role *role;
        struct store_key keys[STORE_KEYS_MAX];
        size_t n_keys;
        struct key_talk talk;
        uint8_t hash[32];
        struct device_assertion answer;
        struct fido_assertion seen; /* what of it was signed */
        const struct store_key *key;
};

static struct asking *asking_free(struct asking *x) {
        if (x) {
                x->rules = rules_free(x->rules);
                who_clear(&x->approver);
        }
        free(x);
        return NULL;
}
DEFINE_CLEANUP(struct asking, asking_free)

/* --- Whether she may */

bool approve_key_fits(const struct store_key *k, const char *relying_party, const struct rule_role *role,
                      bool reported_too) {
        char aaguid[2 * sizeof(k->aaguid) + 1];
        bool reported = store_is_reported(k->suspend_reason);
        hex_encode(k->aaguid, sizeof(k->aaguid), aaguid);
        return strcmp(k->rp_id, relying_party) == 0 &&
               (k->suspended_usec == 0 || (reported_too && reported)) &&
               (!role || ((role->key_models.n == 0 || words_contain(&role->key_models, aaguid)) &&
                          (!role->key_attested || k->attested)));
}

static int load_keys(struct asking *x) {
        size_t n = 0, kept = 0;
        int r = store_person_keys(x->admin->store, x->approver.person.id, x->keys, &n);
        if (r < 0)
                return admin_store_failed(r);
        for (size_t i = 0; i < n; i++)
                if (approve_key_fits(&x->keys[i], x->rules->relying_party, NULL, x->what->finds) &&
                    kept++ != i)
                        x->keys[kept - 1] = x->keys[i];
        x->n_keys = kept;
        x->approver.asked.has_keys = kept > 0;
        return CLI_OK;
}

static int load_history(struct asking *x) {
        _cleanup_(store_closep) struct store *state = NULL;
        int r = store_open_state(PATH_STATE_DB, true, &state);
        if (r == -ENOENT)
                return CLI_OK; /* nobody has signed in yet */
        if (r >= 0)
                r = store_history(state, x->approver.person.id, &x->history);
        return r < 0 ? fail(CLI_FAILED,
                            _("What happened before cannot be read (%s). See: wardtap store check"),
                            strerror(-r))
                     : CLI_OK;
}

/* All that she is judged by, as it is now. */
static int load(struct asking *x, const char *user) {
        struct store_person p;
        int r;
        x->rules = rules_free(x->rules);
        who_clear(&x->approver);
        if ((r = admin_find_person(x->admin, user, &p)) != CLI_OK ||
            (r = load_rules_named(NULL, &x->rules)) != CLI_OK || (r = clock_take(&x->clock)) != CLI_OK)
                return r;
        if ((r = who_load(x->admin, &p, x->rules->relying_party, &x->approver)) < 0)
                return fail(CLI_FAILED, _("The groups or keys of '%s' cannot be read (%s)."), user,
                            strerror(-r));
        tags_collect(&x->rules->tags, PATH_TAGS_DIR, &x->tags);
        r = load_keys(x);
        return r == CLI_OK ? load_history(x) : r;
}

static int record_refusal(struct asking *x, const char *reason) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        const char *action = x->what->action != APPROVE_ACTION_INVALID ? approve_action_name(x->what->action)
                             : x->what->finds                          ? "found"
                                                                       : "own";
        int e = admin_record(x->admin, RECORD_APPROVAL_REFUSED, x->what->subject, &r);
        if (e != CLI_OK)
                return e;
        r.outcome = RECORD_FAILURE;
        if (record_set(&r, RECORD_FIELD_APPROVER, x->approver.person.user) < 0 ||
            record_set(&r, RECORD_FIELD_REASON, reason) < 0 ||
            record_set(&r, RECORD_FIELD_POLICY, x->rules->hash) < 0 ||
            record_set(&r, RECORD_FIELD_REVIEW, x->what->review) < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, action) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_send(x->admin, &r);
}

static int refuse(struct asking *x, enum reason reason) {
        const struct store_person *p = &x->approver.person;
        (void) record_refusal(x, reason_name(reason)); /* refused either way */
        if (reason == REASON_APPROVER_ROLE)
                return fail(
                        CLI_FAILED,
                        _("%s (%s) cannot approve this (%s): the rules do not have Approves=%s in a role "
                          "of theirs that fits here and now. See: man wardtap.conf"),
                        p->full_name, p->user, reason_name(reason), approve_action_name(x->what->action));
        return fail(CLI_FAILED, _("%s (%s) cannot approve this (%s). %s"), p->full_name, p->user,
                    reason_name(reason), _(reason_screen(reason)));
}

static int judge(struct asking *x) {
        const struct approve_question q = {
                .rules = x->rules,
                .tags = &x->tags.words,
                .action = x->what->action,
                .subject = x->what->subject ? x->what->subject->id : 0,
                .approver = &x->approver.asked,
                .history = &x->history,
                .others = x->what->before ? &x->what->before->person.id : NULL,
                .n_others = x->what->before ? 1 : 0,
                .clock = x->clock,
        };
        uint64_t wait = 0;
        enum reason why = policy_may_approve(&q, &x->role, &wait);
        return why == REASON_NONE ? CLI_OK : refuse(x, why);
}

/* --- Her key */

static int fresh_hash(struct asking *x) {
        uint8_t bytes[FIDO_CHALLENGE_SIZE];
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes) ||
            fido_client_data_hash("webauthn.get", bytes, x->rules->relying_party, x->hash) < 0)
                return fail(CLI_FAILED, _("No challenge could be made for the key."));
        return CLI_OK;
}

static bool is_own_failure(enum device_reason r) {
        return r == DEVICE_PIN_WRONG || r == DEVICE_PIN_REPLUG || r == DEVICE_PIN_BLOCKED ||
               r == DEVICE_UV_WRONG || r == DEVICE_UV_BLOCKED;
}

/* In the words of records. */
static const char *reason_of(enum device_reason r) {
        switch (r) {
        case DEVICE_OK:
                return reason_name(REASON_TIMED_OUT); /* it said nothing, or she cancelled */
        case DEVICE_NO_CREDENTIAL:
                return reason_name(REASON_KEY_NOT_YOURS);
        case DEVICE_NO_KEY:
                return reason_name(REASON_KEY_MISSING);
        case DEVICE_REMOVED:
                return reason_name(REASON_KEY_REMOVED);
        case DEVICE_NOT_TOUCHED:
                return reason_name(REASON_KEY_NOT_TOUCHED);
        case DEVICE_REFUSED:
                return reason_name(REASON_KEY_REFUSED);
        case DEVICE_UV_WRONG:
                return reason_name(REASON_FINGER_WRONG);
        case DEVICE_UV_BLOCKED:
                return reason_name(REASON_FINGER_BLOCKED);
        default: /* those of PINs have the same names */
                return reason_from_name(device_reason_name(r)) != REASON_INVALID
                               ? device_reason_name(r)
                               : reason_name(REASON_DEVICE_FAILED);
        }
}

/* Said already; as at a sign-in, only her own authenticator's word counts against her. */
static int key_failed(struct asking *x, int status) {
        if (is_own_failure(x->talk.why) && state_add_failure(x->approver.person.id, &x->clock) < 0)
                warn(_("That this failed could not be written to %s. See: wardtap store check"),
                     PATH_STATE_DB);
        (void) record_refusal(x, reason_of(x->talk.why));
        return status;
}

static int ask_key(struct asking *x) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        struct device_blob allow[STORE_KEYS_MAX];
        struct device_event event;
        struct device_assert_request q = {.rp_id = x->rules->relying_party,
                                          .verify = DEVICE_VERIFY_YES,
                                          .allow = allow,
                                          .n_allow = x->n_keys};
        int r = fresh_hash(x);
        if (r != CLI_OK)
                return r;
        for (size_t i = 0; i < x->n_keys; i++)
                allow[i] = (struct device_blob){x->keys[i].credential_id, x->keys[i].credential_id_len};
        memcpy(q.client_data_hash, x->hash, sizeof(q.client_data_hash));
        x->talk.deadline_usec =
                now_monotonic_usec() + (uint64_t) x->what->timeout_ms * 1000U + DEVICE_GRACE_USEC;
        if ((r = device_get_assertion(&q, x->what->timeout_ms, &op)) < 0)
                return key_start_failed(r);
        if ((r = key_follow(&x->talk, op, DEVICE_EVENT_ASSERTION, &event)) != CLI_OK)
                return key_failed(x, r);
        x->answer = event.assertion;
        return CLI_OK;
}

/* The key the answer says it is from, by the very bytes. */
static const struct store_key *find_key(const struct asking *x) {
        for (size_t i = 0; i < x->n_keys; i++)
                if (x->keys[i].credential_id_len == x->answer.credential_id_len &&
                    memcmp(x->keys[i].credential_id, x->answer.credential_id, x->answer.credential_id_len) ==
                            0)
                        return &x->keys[i];
        return NULL;
}

static enum reason check_answer(struct asking *x) {
        const struct device_assertion *s = &x->answer;
        if (!(x->key = find_key(x)))
                return REASON_KEY_FORGED;
        enum reason why = fido_check_assertion(x->rules->relying_party, x->hash, x->key->public_key,
                                               x->key->public_key_len, s->authdata, s->authdata_len,
                                               s->signature, s->signature_len, &x->seen);
        if (why != REASON_NONE)
                return why;
        if (!x->seen.verified)
                return REASON_KEY_NO_VERIFICATION;
        return approve_key_fits(x->key, x->rules->relying_party, x->role, x->what->finds)
                       ? REASON_NONE
                       : REASON_KEY_UNUSABLE;
}

static int commit_counter(struct asking *x) {
        const struct store_sign_in in = {.person = x->approver.person.id,
                                         .key = x->key->id,
                                         .counter = x->seen.counter,
                                         .clock = x->clock};
        int r = state_commit_sign_in(&in);
        if (r == -EKEYREJECTED)
                return refuse(x, REASON_KEY_COUNTER);
        if (r == -ENOENT)
                return fail(CLI_NOT_RUNNING,
                            _("%s is missing, so nothing was changed. Start the station's "
                              "services: systemctl start wardtap-authd"),
                            PATH_STATE_DB);
        return r < 0 ? fail(CLI_FAILED,
                            _("The use of the key could not be written to %s (%s), so nothing was changed. "
                              "See: wardtap store check"),
                            PATH_STATE_DB, strerror(-r))
                     : CLI_OK;
}

static int check(struct asking *x) {
        enum reason why = check_answer(x);
        return why != REASON_NONE ? refuse(x, why) : commit_counter(x);
}

static void fill(const struct asking *x, struct approved *ret) {
        *ret = (struct approved){.person = x->approver.person, .clock = x->clock};
        memcpy(ret->key, x->key->token, sizeof(ret->key));
        (void) snprintf(ret->role, sizeof(ret->role), "%s", x->role ? x->role->name : "");
        memcpy(ret->policy, x->rules->hash, sizeof(ret->policy));
}

int approve_check(struct admin *a, const char *user, const struct approval *what, struct store_person *ret) {
        _cleanup_(asking_freep) struct asking *x = calloc(1, sizeof(*x));
        int r;
        if (!x)
                return fail(CLI_FAILED, _("There is not enough memory."));
        x->admin = a;
        x->what = what;
        if ((r = load(x, user)) != CLI_OK || (r = judge(x)) != CLI_OK)
                return r;
        *ret = x->approver.person;
        return CLI_OK;
}

int approve(struct admin *a, struct terminal *t, const char *user, const struct approval *what,
            struct approved *ret) {
        _cleanup_(pin_erase) struct pin pin = {0};
        _cleanup_(asking_freep) struct asking *x = calloc(1, sizeof(*x));
        int r;
        if (!x)
                return fail(CLI_FAILED, _("There is not enough memory."));
        x->admin = a;
        x->what = what;
        x->talk = (struct key_talk){.terminal = t, .pin = &pin, .user = user, .approves = true};
        if ((r = load(x, user)) != CLI_OK || (r = judge(x)) != CLI_OK)
                return r;
        terminal_say("%s", what->sentence);
        terminal_say(_("%s (%s), approve this with your key, or press Ctrl-C."),
                     x->approver.person.full_name, x->approver.person.user);
        /* She has taken her time: it is judged as things are when her key has signed. */
        if ((r = ask_key(x)) != CLI_OK || (r = load(x, user)) != CLI_OK || (r = judge(x)) != CLI_OK ||
            (r = check(x)) != CLI_OK)
                return r;
        fill(x, ret);
        return CLI_OK;
}

/* How many keys are plugged in, as their watch tells. -ECANCELED, -ETIMEDOUT, or the watch's end. */
struct plugged {
        unsigned n;
        bool listed, came;
};

static int see_keys(struct device_operation *op, struct plugged *p) {
        struct device_event e;
        int r;
        while ((r = device_next(op, &e)) > 0) {
                if (e.type == DEVICE_EVENT_FAILED)
                        return -EIO;
                p->n += e.type == DEVICE_EVENT_KEY_ATTACHED;
                p->came = p->came || (e.type == DEVICE_EVENT_KEY_ATTACHED && !e.present);
                p->n -= e.type == DEVICE_EVENT_KEY_DETACHED && p->n > 0;
                p->listed = p->listed || e.type == DEVICE_EVENT_KEYS_LISTED;
        }
        return r;
}

int approve_swap(struct terminal *t, uint64_t timeout_usec, const struct store_person *out,
                 const struct store_person *in) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        uint64_t deadline = now_monotonic_usec() + timeout_usec;
        struct plugged p = {0};
        int r = device_watch_keys(&op);
        terminal_say(_("%s, take your key out. %s, plug yours in."), out->full_name, in->full_name);
        while (r >= 0 && (r = see_keys(op, &p)) >= 0) {
                if (p.listed && (p.n == 0 || p.came))
                        return CLI_OK;
                r = terminal_wait(t, device_fd(op), deadline);
        }
        if (r == -ECANCELED)
                return fail(CLI_TIMED_OUT, _("Cancelled. Nothing was changed."));
        return r == -ETIMEDOUT ? fail(CLI_TIMED_OUT, _("The keys were not changed in time. Try again."))
                               : CLI_OK; /* nobody tells; the next key will */
}

int approve_record(const struct approved *by, struct record *r) {
        if (record_set(r, RECORD_FIELD_APPROVER, by->person.user) < 0 ||
            record_set(r, RECORD_FIELD_KEY, by->key) < 0 ||
            record_set(r, RECORD_FIELD_FACTORS, "key+verify") < 0 ||
            record_set(r, RECORD_FIELD_POLICY, by->policy) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}
