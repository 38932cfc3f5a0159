/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap recover`: new badge and key for somebody who lost them, by two approvers' keys. No password, no
 * secret that is told: whoever identified the person says how, and two colleagues answer for it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/approve.h"
#include "cli/enrol.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/rules_load.h"
#include "cli/timeout.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"

#define IDENTIFIED_MAX 128U
#define REVIEW_BYTES 8U
#define KEY_SWAP_USEC (60ULL * 1000U * 1000U)

struct recovery {
        struct admin *admin;
        struct terminal *terminal;
        const char *user, *approvers[2], *identified, *label;
        bool keep_badge, keep_key;
        uint64_t timeout_usec;
        char review[2 * REVIEW_BYTES + 1]; /* ties its records together */
        bool begun;                        /* that is recorded, and not yet how it ended */
        struct store_person person;
        struct approved by[2];
        struct tap tap;
        struct key_enrolment *enrolment;
        struct store_badge badge;
        struct store_key key;
};

static void recovery_clear(struct recovery *x) {
        tap_erase(&x->tap);
        x->enrolment = key_enrolment_free(x->enrolment);
}

/* --- records: begin, approve twice, done; each with the same REVIEW */

static int new_record(struct recovery *x, enum record_event event, struct record *ret) {
        int r = admin_record(x->admin, event, &x->person, ret);
        if (r != CLI_OK)
                return r;
        if (record_set(ret, RECORD_FIELD_REVIEW, x->review) < 0 ||
            record_set(ret, RECORD_FIELD_IDENTIFIED, x->identified) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

static int set_approvers(struct recovery *x, struct record *r) {
        char both[2 * STORE_APPROVER_MAX + 2];
        (void) snprintf(both, sizeof(both), "%s %s", x->approvers[0], x->approvers[1]);
        return record_set(r, RECORD_FIELD_APPROVER, both) < 0 ? admin_store_failed(-ENOMEM) : CLI_OK;
}

static int record_begin(struct recovery *x) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        int e;
        if ((e = new_record(x, RECORD_RECOVERY_BEGIN, &r)) != CLI_OK || (e = set_approvers(x, &r)) != CLI_OK)
                return e;
        if (record_set(&r, RECORD_FIELD_DETAIL,
                       x->keep_badge ? "keeps the badges"
                       : x->keep_key ? "keeps the keys"
                                     : "keeps nothing") < 0)
                return admin_store_failed(-ENOMEM);
        e = admin_send(x->admin, &r);
        x->begun = e == CLI_OK;
        return e;
}

static int record_approval(struct recovery *x, const struct approved *by) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        int e;
        if ((e = new_record(x, RECORD_RECOVERY_APPROVE, &r)) != CLI_OK ||
            (e = approve_record(by, &r)) != CLI_OK)
                return e;
        if (by->role[0] && record_set(&r, RECORD_FIELD_ROLE, by->role) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_send(x->admin, &r);
}

/* Whatever stopped it was told already. */
static void record_unfinished(struct recovery *x) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        if (new_record(x, RECORD_RECOVERY_DONE, &r) != CLI_OK || set_approvers(x, &r) != CLI_OK)
                return;
        r.outcome = RECORD_FAILURE;
        if (record_set(&r, RECORD_FIELD_REASON, "not-completed") >= 0)
                (void) admin_send(x->admin, &r);
}

/* --- the approvers */

static int new_review(char ret[2 * REVIEW_BYTES + 1]) {
        uint8_t bytes[REVIEW_BYTES];
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes))
                return fail(CLI_FAILED, _("No number could be made for this recovery."));
        hex_encode(bytes, sizeof(bytes), ret);
        return CLI_OK;
}

static struct approval approval_of(struct recovery *x, const char *sentence, const struct approved *before) {
        return (struct approval){.action = APPROVE_RECOVER,
                                 .subject = &x->person,
                                 .sentence = sentence,
                                 .before = before,
                                 .review = x->review,
                                 .timeout_ms = (unsigned) (x->timeout_usec / 1000U)};
}

/* Nobody touches a key in vain: both are judged before the first is asked. */
static int check_approvers(struct recovery *x) {
        struct approval first = approval_of(x, "", NULL), second = approval_of(x, "", &x->by[0]);
        int r = approve_check(x->admin, x->approvers[0], &first, &x->by[0].person);
        return r == CLI_OK ? approve_check(x->admin, x->approvers[1], &second, &x->by[1].person) : r;
}

static int ask_approvers(struct recovery *x) {
        char sentence[768];
        (void) snprintf(sentence, sizeof(sentence),
                        _("%s (%s) is to get %s, identified by: %s. What was held before ends."),
                        x->person.full_name, x->person.user,
                        x->keep_badge ? _("a new key")
                        : x->keep_key ? _("a new badge")
                                      : _("a new badge and a new key"),
                        x->identified);
        for (size_t i = 0; i < 2; i++) {
                const struct approval what = approval_of(x, sentence, i > 0 ? &x->by[0] : NULL);
                struct approved by;
                int r = i > 0 ? approve_swap(x->terminal, KEY_SWAP_USEC, &x->by[0].person, &x->by[1].person)
                              : CLI_OK;
                if (r != CLI_OK ||
                    (r = approve(x->admin, x->terminal, x->approvers[i], &what, &by)) != CLI_OK ||
                    (r = record_approval(x, &by)) != CLI_OK)
                        return r;
                x->by[i] = by;
        }
        return CLI_OK;
}

/* --- the new ones */

static int make_new(struct recovery *x) {
        int r = x->keep_badge ? CLI_OK
                              : badge_hold(x->admin, x->terminal, &x->person, x->timeout_usec, &x->tap);
        if (r != CLI_OK || x->keep_key)
                return r;
        r = approve_swap(x->terminal, KEY_SWAP_USEC, &x->by[1].person, &x->person);
        return r == CLI_OK ? key_enrolment_make(x->enrolment) : r;
}

/* Old ones out and new ones in. */
static int change(struct recovery *x, uint64_t now) {
        struct store *s = x->admin->store;
        int r = 0;
        if (!x->keep_badge)
                r = store_end_badges_of(s, x->person.id, "recovery", now);
        if (r == 0 && !x->keep_key)
                r = store_end_keys_of(s, x->person.id, "recovery", now);
        if (r < 0)
                return admin_store_failed(r);
        if (!x->keep_badge && (r = badge_add(x->admin, &x->tap, &x->person, now, &x->badge)) != CLI_OK)
                return r;
        return x->keep_key ? CLI_OK : key_enrolment_add(x->enrolment, &x->key);
}

static int record_done(struct recovery *x, struct record *r) {
        int e;
        if ((e = new_record(x, RECORD_RECOVERY_DONE, r)) != CLI_OK || (e = set_approvers(x, r)) != CLI_OK ||
            (!x->keep_badge && (e = badge_record(&x->tap, r)) != CLI_OK))
                return e;
        if ((!x->keep_key && record_set(r, RECORD_FIELD_KEY, x->key.token) < 0) ||
            record_set(r, RECORD_FIELD_POLICY, x->by[1].policy) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

static int store_new(struct recovery *x) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct store_person p;
        int r;
        if ((r = admin_begin(x->admin)) != CLI_OK ||
            (r = admin_find_person(x->admin, x->user, &p)) != CLI_OK)
                return r;
        if (p.id != x->person.id || p.state != PERSON_ACTIVE)
                return fail(CLI_CONFLICT,
                            _("%s was changed meanwhile, and nothing was enrolled. See: wardtap "
                              "person show %s"),
                            x->user, x->user);
        if ((r = change(x, now_realtime_usec())) != CLI_OK || (r = record_done(x, &record)) != CLI_OK)
                return r;
        r = admin_commit(x->admin, &record);
        x->begun = x->begun && r != CLI_OK;
        return r;
}

/* --- the command */

static int take(struct recovery *x, const struct cli_arguments *args) {
        const char *keep = args->option[OPTION_KEEP];
        x->user = cli_word(args, 0);
        x->approvers[0] = args->option[OPTION_APPROVERS];
        x->approvers[1] = args->again[OPTION_APPROVERS];
        x->identified = args->option[OPTION_IDENTIFIED];
        x->label = args->option[OPTION_LABEL];
        if (!x->identified[0] || !text_is_clean(x->identified, IDENTIFIED_MAX))
                return fail(CLI_USAGE, _("--identified must have 1 to %u bytes of plain text."),
                            IDENTIFIED_MAX);
        x->keep_badge = keep && strcmp(keep, "badge") == 0;
        x->keep_key = keep && strcmp(keep, "key") == 0;
        if (keep && !x->keep_badge && !x->keep_key && strcmp(keep, "none") != 0)
                return fail(CLI_USAGE, _("--keep takes badge, key or none, not '%s'."), keep);
        return timeout_take(args, &x->timeout_usec);
}

static int prepare(struct recovery *x) {
        int r = admin_find_person(x->admin, x->user, &x->person);
        if (r != CLI_OK)
                return r;
        if (x->person.state != PERSON_ACTIVE)
                return fail(CLI_FAILED,
                            _("%s (%s) is %s, so nothing is recovered. See: wardtap person show %s"),
                            x->person.full_name, x->person.user, person_state_name(&x->person), x->user);
        if ((r = new_review(x->review)) != CLI_OK || (r = check_approvers(x)) != CLI_OK)
                return r;
        return x->keep_key ? CLI_OK
                           : key_enrolment_new(x->admin, x->terminal, x->user, x->label,
                                               (unsigned) (x->timeout_usec / 1000U), &x->enrolment);
}

static int recover(struct recovery *x) {
        int r;
        if ((r = prepare(x)) != CLI_OK)
                return r;
        if ((r = terminal_open(x->terminal, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        if ((r = record_begin(x)) == CLI_OK && (r = ask_approvers(x)) == CLI_OK &&
            (r = make_new(x)) == CLI_OK)
                r = store_new(x);
        if (x->begun && r != CLI_OK)
                record_unfinished(x);
        return r;
}

static void print_done(const struct recovery *x, bool json) {
        if (json) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "user", x->person.user);
                json_set_string(o, "recovery", x->review);
                json_set_string(o, "badge", x->keep_badge ? NULL : x->badge.token);
                json_set_string(o, "key", x->keep_key ? NULL : x->key.token);
                json_print(stdout, o);
                return;
        }
        (void) printf(_("%s (%s) is enrolled anew, approved by %s and %s.\n"), x->person.full_name,
                      x->person.user, x->approvers[0], x->approvers[1]);
}

int command_recover(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        _cleanup_(recovery_clear) struct recovery x = {.admin = &a, .terminal = &t};
        int r;
        if ((r = take(&x, args)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = recover(&x)) != CLI_OK)
                return r;
        print_done(&x, args->option[OPTION_JSON]);
        return CLI_OK;
}

/* --- what it is needed for */

static int see_badge(const struct store_badge *b, void *data) {
        *(bool *) data = *(bool *) data || b->not_after_usec == 0;
        return 0;
}

static int see_key(const struct store_key *k, void *data) {
        *(bool *) data = true;
        return 0;
}

int recovery_allows(struct admin *a, const struct store_person *p, bool key) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        bool had = false;
        int r = rules_load(PATH_SNAPSHOT, &rules);
        if (r == -ENOENT || (r == 0 && rules->recovery == RECOVERY_ROOT))
                return CLI_OK;
        if (r < 0)
                return load_rules_named(NULL, &rules); /* says why */
        r = key ? store_each_key(a->store, p->id, see_key, &had)
                : store_each_badge(a->store, p->id, see_badge, &had);
        if (r < 0)
                return admin_store_failed(r);
        if (!had)
                return CLI_OK;
        return fail(
                CLI_CONFLICT,
                _("%s (%s) has held a %s before, and the rules have Recovery=strict: another one takes a "
                  "ticket, or: wardtap recover %s --approver A --approver B --identified TEXT"),
                p->full_name, p->user, key ? _("key") : _("badge"), p->user);
}
