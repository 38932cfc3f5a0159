/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap badge lend` and `badge return`: a badge from the pool, for hours, on the word of somebody's key.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/approve.h"
#include "cli/clock.h"
#include "cli/enrol.h"
#include "cli/groups.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/span.h"
#include "cli/rules_load.h"
#include "cli/timeout.h"
#include "cli/when.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/tags.h"

#define LEND_MOST_USEC (14ULL * 3600U * 1000000U)

struct lending {
        struct admin *admin;
        struct terminal *terminal;
        const char *user, *reason, *approver;
        uint64_t for_usec, timeout_usec;
        struct store_person person;
        struct approved by;
        struct store_badge badge;
};

static int check_person(struct lending *l) {
        struct store_badge held;
        char until[WHEN_TEXT_MAX];
        int r = admin_find_person(l->admin, l->user, &l->person);
        if (r != CLI_OK)
                return r;
        if (l->person.state != PERSON_ACTIVE)
                return fail(CLI_FAILED, _("%s (%s) is %s, so no badge is lent. See: wardtap person show %s"),
                            l->person.full_name, l->person.user, person_state_name(&l->person), l->user);
        r = store_lent_badge(l->admin->store, l->person.id, now_realtime_usec(), &held);
        if (r == 0)
                return fail(CLI_CONFLICT,
                            _("%s (%s) has a temporary badge until %s. Take it back first with: "
                              "wardtap badge return %s"),
                            l->person.full_name, l->person.user, when_local(held.not_after_usec, until),
                            held.token);
        return r == -ENOENT ? CLI_OK : admin_store_failed(r);
}

/* A shift ends with the hours of the role, where it has any. */
static int cut_to_shift(struct lending *l) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        _cleanup_(word_list_clear) struct words groups = {0};
        const struct passwd *pw = getpwnam(l->user);
        struct policy_clock clock;
        struct tags tags;
        enum reason why = REASON_NO_ROLE;
        bool alert = false;
        int r;
        if ((r = load_rules_named(NULL, &rules)) != CLI_OK || (r = clock_take(&clock)) != CLI_OK)
                return r;
        if (pw && groups_of(pw, &groups) < 0)
                return fail(CLI_FAILED, _("The groups of '%s' cannot be read."), l->user);
        tags_collect(&rules->tags, PATH_TAGS_DIR, &tags);
        const struct rule_role *role = policy_find_role(rules, &tags.words, &groups, &clock, &why, &alert);
        if (!role)
                return fail(CLI_FAILED,
                            _("%s (%s) could not sign in here (%s), so no badge is lent. See: "
                              "wardtap policy explain --user %s --service lightdm"),
                            l->person.full_name, l->user, reason_name(why), l->user);
        uint64_t most = l->for_usec / 60000000U;
        uint64_t left = (uint64_t) policy_minutes_left(&role->hours, &clock, (unsigned) most) * 60000000U;
        if (clock.trusted && left < l->for_usec - l->for_usec % 60000000U)
                l->for_usec = left;
        if (role->grace_usec == 0 || rules->assurance != ASSURANCE_NONE)
                warn(_("The rules let no badge alone in here: with this one %s needs a key as well."),
                     l->user);
        return CLI_OK;
}

static int ask(struct lending *l) {
        char sentence[512], span[WHEN_TEXT_MAX];
        (void) snprintf(sentence, sizeof(sentence), _("%s (%s) is to have a temporary badge for %s: %s"),
                        l->person.full_name, l->person.user, when_span(l->for_usec, span), l->reason);
        const struct approval what = {.action = APPROVE_TEMPORARY_BADGE,
                                      .subject = &l->person,
                                      .sentence = sentence,
                                      .timeout_ms = (unsigned) (l->timeout_usec / 1000U)};
        return approve(l->admin, l->terminal, l->approver, &what, &l->by);
}

static void fill_badge(struct lending *l) {
        struct store_badge *b = &l->badge;
        *b = (struct store_badge){.source = "station",
                                  .not_after_usec = l->by.clock.realtime_usec + l->for_usec,
                                  .approval = {.from_usec = l->by.clock.realtime_usec,
                                               .from_boottime_usec = l->by.clock.boottime_usec}};
        b->approval.until_usec = b->not_after_usec;
        memcpy(b->approval.from_boot_id, l->by.clock.boot_id, sizeof(b->approval.from_boot_id));
        memcpy(b->approver, l->by.person.user, sizeof(l->by.person.user));
        memcpy(b->lend_reason, l->reason, strlen(l->reason) + 1); /* reason_take() has measured it */
}

static int store_it(struct lending *l, const struct tap *tap) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r;
        fill_badge(l);
        if ((r = admin_begin(l->admin)) != CLI_OK || (r = check_person(l)) != CLI_OK ||
            (r = badge_add(l->admin, tap, &l->person, now_realtime_usec(), &l->badge)) != CLI_OK ||
            (r = admin_record(l->admin, RECORD_BADGE_LEND, &l->person, &record)) != CLI_OK ||
            (r = badge_record(tap, &record)) != CLI_OK || (r = approve_record(&l->by, &record)) != CLI_OK)
                return r;
        if (record_set_u64(&record, RECORD_FIELD_UNTIL_USEC, l->badge.not_after_usec) < 0 ||
            record_set(&record, RECORD_FIELD_LOWERED, "temporary-badge") < 0 ||
            record_set(&record, RECORD_FIELD_DETAIL, l->reason) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(l->admin, &record);
}

static int lend(struct lending *l) {
        _cleanup_(tap_erase) struct tap tap = {0};
        int r;
        if ((r = check_person(l)) != CLI_OK || (r = cut_to_shift(l)) != CLI_OK)
                return r;
        if ((r = terminal_open(l->terminal, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        if ((r = ask(l)) != CLI_OK ||
            (r = badge_hold(l->admin, l->terminal, &l->person, l->timeout_usec, &tap)) != CLI_OK)
                return r;
        return store_it(l, &tap);
}

int command_badge_lend(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        struct lending l = {.admin = &a,
                            .terminal = &t,
                            .user = cli_word(args, 0),
                            .reason = args->option[OPTION_REASON],
                            .approver = args->option[OPTION_APPROVER]};
        char until[WHEN_TEXT_MAX];
        int r;
        if ((r = span_take(args, LEND_MOST_USEC, "14h", &l.for_usec)) != CLI_OK ||
            (r = reason_take(args)) != CLI_OK || (r = timeout_take(args, &l.timeout_usec)) != CLI_OK ||
            (r = admin_open(&a, args)) != CLI_OK || (r = lend(&l)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = badge_json(&l.badge, l.person.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s (%s) has the temporary badge %s until %s, approved by %s.\n"),
                              l.person.full_name, l.person.user, l.badge.token,
                              when_local(l.badge.not_after_usec, until), l.badge.approver);
        }
        return CLI_OK;
}

static int take_back(struct admin *a, const char *token, struct store_badge *b, struct store_person *p) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        r = store_end_badge(a->store, token, "returned", now_realtime_usec(), b, p);
        if (r == -ENOENT || r == -ENOTUNIQ || (r == 0 && b->not_after_usec == 0))
                return fail(CLI_NOT_FOUND,
                            _("There is no temporary badge with the token '%s'. See them all "
                              "with: wardtap badge list"),
                            token);
        if (r < 0)
                return admin_store_failed(r);
        if ((r = admin_record(a, RECORD_BADGE_END, p, &record)) != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_BADGE, b->token) < 0 ||
            record_set(&record, RECORD_FIELD_APPROVER, b->approver) < 0 ||
            record_set(&record, RECORD_FIELD_DETAIL, "returned") < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

int command_badge_return(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_badge b;
        struct store_person p;
        int r;
        if ((r = admin_open(&a, args)) != CLI_OK || (r = take_back(&a, cli_word(args, 0), &b, &p)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = badge_json(&b, p.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s (%s) gave back badge %s; the own badges are in use again.\n"),
                              p.full_name, p.user, b.token);
        }
        return CLI_OK;
}
