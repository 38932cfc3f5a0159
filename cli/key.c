/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap key enrol` and `key replace`: a credential on the key, checked here, tried once as at a sign-in,
 * then stored. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/enrol.h"
#include "cli/key_maker.h"
#include "cli/key_talk.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/rules_load.h"
#include "cli/timeout.h"
#include "common/socket.h"
#include "policy/fido.h"
#include "policy/rules.h"

#define DEVICE_GRACE_USEC (2U * 1000U * 1000U)

struct key_enrolment {
        struct admin *admin;
        struct key_talk talk;
        struct pin pin;
        const char *label;
        unsigned timeout_ms;
        struct rules *rules;
        struct store_person person;
        const char *old_token, *reason;        /* of the key that is replaced, and why; NULL for none */
        struct store_key keys[STORE_KEYS_MAX]; /* that the person holds already */
        size_t n_keys;
        struct device_key_info info;
        struct device_credential made;
        struct fido_credential credential;
        struct key_maker maker;
        uint8_t trial_hash[32];
        struct device_assertion trial;
};

struct key_enrolment *key_enrolment_free(struct key_enrolment *e) {
        if (e) {
                e->rules = rules_free(e->rules);
                pin_erase(&e->pin);
        }
        free(e);
        return NULL;
}

const struct store_person *key_enrolment_person(const struct key_enrolment *e) {
        return &e->person;
}

const char *key_enrolment_policy(const struct key_enrolment *e) {
        return e->rules->hash;
}

/* Each step starts the clock anew. The device's own deadline comes first: it knows a more exact reason. */
static void restart(struct key_enrolment *e) {
        e->talk.deadline_usec = now_monotonic_usec() + (uint64_t) e->timeout_ms * 1000U + DEVICE_GRACE_USEC;
}

static int challenge(struct key_enrolment *e, const char *type, uint8_t ret_hash[32]) {
        uint8_t bytes[FIDO_CHALLENGE_SIZE];
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes) ||
            fido_client_data_hash(type, bytes, e->rules->relying_party, ret_hash) < 0)
                return fail(CLI_FAILED, _("No challenge could be made for the key."));
        return CLI_OK;
}

static int believe(enum reason reason) {
        if (reason == REASON_NONE)
                return CLI_OK;
        return fail(CLI_FAILED,
                    _("What the key answered cannot be trusted (%s), and nothing was enrolled. "
                      "Use another key."),
                    reason_name(reason));
}

static int look_at_key(struct key_enrolment *e) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        struct device_event event;
        int r;
        restart(e);
        if ((r = device_key_info(e->timeout_ms, &op)) < 0)
                return key_start_failed(r);
        if ((r = key_follow(&e->talk, op, DEVICE_EVENT_KEY_INFO, &event)) != CLI_OK)
                return r;
        e->info = event.key_info;
        terminal_say(_("Found: %s"), e->info.product[0] ? e->info.product : _("a key without a name"));
        if (!e->info.pin_set && !e->info.pin_able && !e->info.uv_set)
                return fail(CLI_FAILED, "%s", _(key_reason_text(DEVICE_PIN_NOT_SET)));
        return CLI_OK;
}

static int hex_value(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The person's UUID as 16 bytes: names nobody, and is the same on every key (WebAuthn 4, user handle). */
static int user_handle(const char *uuid, uint8_t ret[16]) {
        size_t n = 0;
        for (const char *c = uuid; *c; c++) {
                if (*c == '-')
                        continue;
                int v = hex_value(*c);
                if (v < 0 || n >= 32)
                        return -EBADMSG;
                ret[n / 2] = (uint8_t) (n % 2 ? ret[n / 2] | v : v << 4);
                n++;
        }
        return n == 32 ? 0 : -EBADMSG;
}

static int meet_maker(struct key_enrolment *e) {
        int r = key_maker_judge(e->rules, &e->person, &e->made, &e->credential, &e->maker);
        if (r != CLI_OK)
                return r;
        if (e->maker.attested)
                terminal_say(_("Its maker is known: %s."), e->maker.root);
        else if (e->maker.asked)
                terminal_say(_("Nobody the site trusts vouches for who made it."));
        return CLI_OK;
}

static int make(struct key_enrolment *e) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        struct device_blob exclude[STORE_KEYS_MAX];
        struct device_event event;
        uint8_t handle[16];
        int r;
        if (user_handle(e->person.uuid, handle) < 0)
                return admin_store_failed(-EBADMSG);
        for (size_t i = 0; i < e->n_keys; i++)
                exclude[i] = (struct device_blob){e->keys[i].credential_id, e->keys[i].credential_id_len};
        struct device_make_request q = {.rp_id = e->rules->relying_party,
                                        .rp_name = "Wardtap",
                                        .user_id = handle,
                                        .user_id_len = sizeof(handle),
                                        .user_name = e->person.user,
                                        .user_display_name = e->person.full_name,
                                        .verify = DEVICE_VERIFY_YES,
                                        .set_pin_first = !e->info.pin_set && !e->info.uv_set,
                                        .exclude = exclude,
                                        .n_exclude = e->n_keys};
        restart(e);
        if (q.set_pin_first && (r = pin_ask_new(e->talk.pin, e->talk.terminal, e->info.min_pin_length,
                                                e->talk.deadline_usec)) != CLI_OK)
                return r;
        if ((r = challenge(e, "webauthn.create", q.client_data_hash)) != CLI_OK)
                return r;
        restart(e);
        if ((r = device_make_credential(&q, e->timeout_ms, &op)) < 0)
                return key_start_failed(r);
        if ((r = key_follow(&e->talk, op, DEVICE_EVENT_CREDENTIAL, &event)) != CLI_OK)
                return r;
        e->made = event.credential;
        e->talk.pin->proven = e->talk.pin->sent;
        r = believe(fido_check_credential(q.rp_id, q.client_data_hash, e->made.format, e->made.authdata,
                                          e->made.authdata_len, e->made.attstmt, e->made.attstmt_len,
                                          &e->credential));
        if (r == CLI_OK && !e->credential.verified)
                r = believe(REASON_KEY_NO_VERIFICATION);
        return r == CLI_OK ? meet_maker(e) : r;
}

/* As at a sign-in, over a challenge of its own. Checked once more against the stored key. */
static int try_it(struct key_enrolment *e) {
        _cleanup_(device_operation_freep) struct device_operation *op = NULL;
        const struct device_blob allow = {e->credential.credential_id, e->credential.credential_id_len};
        struct device_assert_request q = {.rp_id = e->rules->relying_party,
                                          .verify = DEVICE_VERIFY_YES,
                                          .allow = &allow,
                                          .n_allow = 1};
        struct device_event event;
        int r = challenge(e, "webauthn.get", q.client_data_hash);
        if (r != CLI_OK)
                return r;
        terminal_say(_("Now one trial sign-in with it."));
        restart(e);
        if ((r = device_get_assertion(&q, e->timeout_ms, &op)) < 0)
                return key_start_failed(r);
        if ((r = key_follow(&e->talk, op, DEVICE_EVENT_ASSERTION, &event)) != CLI_OK)
                return r;
        e->trial = event.assertion;
        memcpy(e->trial_hash, q.client_data_hash, sizeof(e->trial_hash));
        return CLI_OK;
}

/* Judges the trial by the row of the store that sign-ins will use. */
static int judge_trial(const struct key_enrolment *e, const struct store_key *k) {
        const struct device_assertion *t = &e->trial;
        struct fido_assertion a;
        if (t->credential_id_len != k->credential_id_len ||
            memcmp(t->credential_id, k->credential_id, k->credential_id_len) != 0)
                return believe(REASON_KEY_FORGED);
        int r = believe(fido_check_assertion(k->rp_id, e->trial_hash, k->public_key, k->public_key_len,
                                             t->authdata, t->authdata_len, t->signature, t->signature_len,
                                             &a));
        if (r != CLI_OK)
                return r;
        if (!a.verified)
                return believe(REASON_KEY_NO_VERIFICATION);
        bool counts = a.counter > 0 || e->credential.counter > 0;
        return counts && a.counter <= e->credential.counter ? believe(REASON_KEY_COUNTER) : CLI_OK;
}

static void fill_row(const struct key_enrolment *e, struct store_key *k) {
        const char *label = e->label;
        const struct fido_credential *c = &e->credential;
        *k = (struct store_key){.person = e->person.id,
                                .credential_id_len = c->credential_id_len,
                                .public_key_len = c->public_key_len,
                                .attstmt = e->made.attstmt,
                                .attstmt_len = e->made.attstmt_len,
                                .authdata = e->made.authdata,
                                .authdata_len = e->made.authdata_len,
                                .attested = e->maker.attested,
                                .source = "station"};
        memcpy(k->credential_id, c->credential_id, c->credential_id_len);
        memcpy(k->public_key, c->public_key, c->public_key_len);
        memcpy(k->aaguid, c->aaguid, sizeof(k->aaguid));
        memcpy(k->format, e->made.format, sizeof(k->format));
        (void) snprintf(k->rp_id, sizeof(k->rp_id), "%s", e->rules->relying_party);
        if (!label)
                label = text_is_clean(e->info.product, sizeof(k->label) - 1) ? e->info.product : "";
        (void) snprintf(k->label, sizeof(k->label), "%s", label);
}

static int find_row(struct key_enrolment *e, int64_t id, struct store_key *ret) {
        int r = store_person_keys(e->admin->store, e->person.id, e->keys, &e->n_keys);
        if (r < 0)
                return admin_store_failed(r);
        for (size_t i = 0; i < e->n_keys; i++)
                if (e->keys[i].id == id) {
                        *ret = e->keys[i];
                        return CLI_OK;
                }
        return admin_store_failed(-EBADMSG);
}

static int too_many(const struct key_enrolment *e) {
        return fail(CLI_CONFLICT,
                    _("%s has %u keys already, which is the most. End one first: wardtap key list %s"),
                    e->person.full_name, STORE_KEYS_MAX, e->person.user);
}

static int add_row(struct key_enrolment *e, struct store_key *ret) {
        struct store_person holder;
        struct store_key k;
        fill_row(e, &k);
        k.added_usec = now_realtime_usec();
        int r = store_add_key(e->admin->store, &k, k.added_usec, &holder);
        if (r == -EEXIST)
                return fail(CLI_CONFLICT, _("This key belongs to %s (%s). Use another one."),
                            holder.full_name, holder.user);
        if (r == -E2BIG)
                return too_many(e);
        return r < 0 ? admin_store_failed(r) : find_row(e, k.id, ret);
}

/* What the key is called, and who vouches for it. */
static int set_detail(struct record *record, const struct key_enrolment *e, const struct store_key *k) {
        char text[256];
        if (e->old_token) {
                (void) snprintf(text, sizeof(text), "in place of %s: %s%s%s", e->old_token, e->reason,
                                e->maker.attested ? "; attested by " : "",
                                e->maker.attested ? e->maker.root : "");
                return record_set(record, RECORD_FIELD_DETAIL, text);
        }
        if (!e->maker.attested)
                return record_set(record, RECORD_FIELD_DETAIL, k->label[0] ? k->label : NULL);
        (void) snprintf(text, sizeof(text), "%s%sattested by %s", k->label, k->label[0] ? "; " : "",
                        e->maker.root);
        return record_set(record, RECORD_FIELD_DETAIL, text);
}

/* In the transaction of the new key, which may need its place. */
static int end_old(struct key_enrolment *e) {
        struct store_key old;
        struct store_person holder;
        if (!e->old_token)
                return CLI_OK;
        int r = store_end_key(e->admin->store, e->old_token, e->reason, now_realtime_usec(), &old, &holder);
        if (r == 0 && holder.id != e->person.id)
                r = -ENOENT;
        return r < 0 ? admin_token_failed(r, e->old_token, true) : CLI_OK;
}

int key_enrolment_add(struct key_enrolment *e, struct store_key *ret) {
        int r = end_old(e);
        if (r == CLI_OK)
                r = add_row(e, ret);
        return r == CLI_OK ? judge_trial(e, ret) : r;
}

static int store_it(struct key_enrolment *e, struct store_key *ret) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        enum record_event event = e->old_token ? RECORD_KEY_REPLACE : RECORD_KEY_ENROL;
        int r;
        if ((r = admin_begin(e->admin)) != CLI_OK || (r = key_enrolment_add(e, ret)) != CLI_OK ||
            (r = admin_record(e->admin, event, &e->person, &record)) != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_KEY, ret->token) < 0 || set_detail(&record, e, ret) < 0 ||
            record_set(&record, RECORD_FIELD_POLICY, e->rules->hash) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(e->admin, &record);
}

static int find_old(const struct key_enrolment *e) {
        for (size_t i = 0; i < e->n_keys; i++)
                if (strcmp(e->keys[i].token, e->old_token) == 0)
                        return CLI_OK;
        return fail(CLI_NOT_FOUND, _("%s holds no key %s. See the keys with: wardtap key list %s"),
                    e->person.full_name, e->old_token, e->person.user);
}

static int prepare(struct key_enrolment *e, const char *user) {
        int r = load_rules_named(NULL, &e->rules);
        if (r == CLI_OK)
                r = e->old_token ? admin_find_active(e->admin, user, &e->person)
                                 : admin_find_person(e->admin, user, &e->person);
        if (r != CLI_OK)
                return r;
        r = store_person_keys(e->admin->store, e->person.id, e->keys, &e->n_keys);
        if (r < 0)
                return admin_store_failed(r);
        if (e->old_token)
                return find_old(e);
        return e->n_keys >= STORE_KEYS_MAX ? too_many(e) : CLI_OK;
}

/* old_token NULL: nothing is replaced. */
static int enrolment_new(struct admin *a, struct terminal *t, const char *user, const char *label,
                         const char *old_token, const char *reason, unsigned timeout_ms,
                         struct key_enrolment **ret) {
        _cleanup_(key_enrolment_freep) struct key_enrolment *e = calloc(1, sizeof(*e));
        struct store_key k;
        if (!e)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if (label && !text_is_clean(label, sizeof(k.label) - 1))
                return fail(CLI_USAGE, _("--label must have at most %zu bytes of plain text."),
                            sizeof(k.label) - 1);
        e->admin = a;
        e->label = label;
        e->old_token = old_token;
        e->reason = reason;
        e->timeout_ms = timeout_ms;
        e->talk = (struct key_talk){.terminal = t, .pin = &e->pin, .user = user};
        int r = prepare(e, user);
        if (r == CLI_OK)
                *ret = TAKE_PTR(e);
        return r;
}

int key_enrolment_new(struct admin *a, struct terminal *t, const char *user, const char *label,
                      unsigned timeout_ms, struct key_enrolment **ret) {
        return enrolment_new(a, t, user, label, NULL, NULL, timeout_ms, ret);
}

int key_enrolment_make(struct key_enrolment *e) {
        int r;
        terminal_say(_("A key for %s (%s). Leave in only the key to enrol."), e->person.full_name,
                     e->person.user);
        if ((r = look_at_key(e)) != CLI_OK || (r = make(e)) != CLI_OK)
                return r;
        return try_it(e);
}

static void tell(const struct key_enrolment *e, const struct store_key *k) {
        if (e->old_token)
                (void) printf(_("%s (%s) now holds key %s, in place of %s. Take it out.\n"),
                              e->person.full_name, e->person.user, k->token, e->old_token);
        else
                (void) printf(_("%s (%s) now holds key %s. Take it out.\n"), e->person.full_name,
                              e->person.user, k->token);
}

static int give(const struct cli_arguments *args, const char *old_token) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        _cleanup_(key_enrolment_freep) struct key_enrolment *e = NULL;
        struct store_key k;
        uint64_t timeout_usec = 0;
        int r;

        if ((old_token && (r = admin_need_reason(args)) != CLI_OK) ||
            (r = timeout_take(args, &timeout_usec)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = enrolment_new(&a, &t, cli_word(args, 0), args->option[OPTION_LABEL], old_token,
                               args->option[OPTION_REASON], (unsigned) (timeout_usec / 1000U), &e)) !=
                    CLI_OK ||
            (!old_token && (r = recovery_allows(&a, &e->person, true)) != CLI_OK))
                return r;
        if ((r = terminal_open(&t, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        if ((r = key_enrolment_make(e)) != CLI_OK || (r = store_it(e, &k)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = key_json(&k, e->person.user);
                json_print(stdout, o);
        } else {
                tell(e, &k);
        }
        return CLI_OK;
}

int command_key_enrol(const struct cli_arguments *args) {
        return give(args, NULL);
}

int command_key_replace(const struct cli_arguments *args) {
        return give(args, cli_word(args, 1));
}
