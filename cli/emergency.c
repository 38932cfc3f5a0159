/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap emergency`: the emergencies of this station, what people said of them, who has closed their
 * review, and drills. */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cli/approve.h"
#include "cli/emergency.h"
#include "cli/timeout.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"

/* --- list */

static const char *how_name(enum emergency how) {
        static const char *const names[EMERGENCY_MAX] = {
                [EMERGENCY_ASKED] = "badge", [EMERGENCY_KIT] = "kit", [EMERGENCY_WITNESS] = "witness"};
        return (unsigned) how < EMERGENCY_MAX && names[how] ? names[how] : "?";
}

static void json_part(struct json_object *o, const struct emergency_item *i, enum review_part part) {
        const struct store_review *v = emergency_item_part(i, part);
        struct json_object *p = NULL;
        if (v) {
                p = json_new();
                json_set_string(p, "by", v->user);
                json_set_time(p, "at", v->closed_usec);
                json_set_string(p, "words", v->words);
        }
        json_set(o, review_part_name(part), p);
}

static struct json_object *item_json(const struct emergency_item *i) {
        const struct store_emergency *e = &i->emergency;
        struct json_object *o = json_new();
        json_set_string(o, "id", e->review);
        json_set_string(o, "attempt", e->attempt);
        json_set_string(o, "user", e->user);
        json_set_string(o, "claimed", e->claimed[0] ? e->claimed : NULL);
        json_set_string(o, "witness", i->witness[0] ? i->witness : NULL);
        json_set_string(o, "by", how_name(e->how));
        json_set_string(o, "reason", e->reason);
        json_set_time(o, "from", e->from_usec);
        json_set_time(o, "until", e->until_usec);
        json_set_bool(o, "drill", e->drill);
        json_set_bool(o, "open", i->open);
        for (unsigned p = 0; p < REVIEW_PART_MAX; p++)
                json_part(o, i, (enum review_part) p);
        return o;
}

static const char *part_cell(const struct emergency_items *l, const struct emergency_item *i,
                             enum review_part part) {
        const struct store_review *v = emergency_item_part(i, part);
        bool wanted = part == REVIEW_WORDS ||
                      (part == REVIEW_CLINICAL && l->reviewers & REVIEWER_CLINICAL) ||
                      (part == REVIEW_SECURITY && l->reviewers & REVIEWER_SECURITY);
        return v ? v->user : wanted ? _("owed") : NULL;
}

static void item_row(struct table *t, const struct emergency_items *l, const struct emergency_item *i,
                     bool print) {
        const struct store_emergency *e = &i->emergency;
        char from[WHEN_TEXT_MAX], who[200];
        (void) snprintf(who, sizeof(who), "%s%s%s%s", e->user, e->claimed[0] ? " (" : "", e->claimed,
                        e->claimed[0] ? ")" : "");
        const char *const cells[] = {e->review,
                                     when_local(e->from_usec, from),
                                     who,
                                     e->drill ? _("drill") : how_name(e->how),
                                     e->reason,
                                     i->witness[0] ? i->witness : NULL,
                                     part_cell(l, i, REVIEW_WORDS),
                                     part_cell(l, i, REVIEW_CLINICAL),
                                     part_cell(l, i, REVIEW_SECURITY)};
        if (print)
                table_print(t, stdout, cells);
        else
                table_measure(t, cells);
}

static void say_due(void *data, const struct emergency_due *d) {
        char text[EMERGENCY_DUE_SIZE];
        emergency_due_text(d, *(const uint64_t *) data, text);
        (void) printf("! %s %s\n", text, emergency_due_fix(d->what));
}

static void print_items(const struct emergency_items *l, bool open) {
        struct table t = {.titles = {_("ID"), _("BEGAN"), _("ACCOUNT"), _("BY"), _("REASON"), _("WITNESS"),
                                     _("WORDS"), _("CLINICAL"), _("SECURITY")}};
        for (unsigned pass = 0; pass < 2; pass++) {
                if (pass == 1)
                        table_print_titles(&t, stdout);
                for (size_t i = 0; i < l->n; i++)
                        if (!open || l->items[i].open)
                                item_row(&t, l, &l->items[i], pass == 1);
        }
}

int command_emergency_list(const struct cli_arguments *args) {
        _cleanup_(emergency_items_clear) struct emergency_items l = {0};
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        bool open = args->option[OPTION_OPEN];
        int r = admin_need_root(args);
        if (r != CLI_OK || (r = admin_open_read(&a)) != CLI_OK ||
            (r = emergency_items_load(a.store, true, &l)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                struct json_list rows = {0};
                for (size_t i = 0; i < l.n; i++)
                        if (!open || l.items[i].open) {
                                _cleanup_(json_putp) struct json_object *o = item_json(&l.items[i]);
                                json_list_print(&rows, stdout, o);
                        }
                json_list_end(&rows, stdout);
        } else {
                uint64_t now = now_realtime_usec();
                print_items(&l, open);
                emergency_due(&l, a.store, now, say_due, &now);
        }
        if (l.more)
                warn(_("There are more emergencies than are listed: the oldest are left out."));
        return CLI_OK;
}

/* --- who may say something of it */

/* Nobody reviews what was done for her, or with her as a witness. */
static int check_other(const struct emergency_item *i, const struct store_person *p) {
        const struct store_emergency *e = &i->emergency;
        if (strcmp(e->user, p->user) == 0 || strcasecmp(e->claimed, p->full_name) == 0 ||
            strcasecmp(e->claimed, p->user) == 0)
                return fail(CLI_CONFLICT, _("It was %s's own emergency: somebody else must review it."),
                            p->full_name);
        if (i->witness[0] && strcmp(i->witness, p->user) == 0)
                return fail(CLI_CONFLICT, _("%s was the witness: somebody else must review it."),
                            p->full_name);
        return CLI_OK;
}

/* Whose it is. For an emergency account that is a claim, and whoever confirms it makes it hers. */
static int check_own(const struct emergency_item *i, const struct store_person *p) {
        const struct store_emergency *e = &i->emergency;
        if (e->claimed[0] ? strcmp(i->witness, p->user) != 0 : strcmp(e->user, p->user) == 0)
                return CLI_OK;
        return fail(CLI_CONFLICT, _("It was not %s's emergency, so the words must be somebody else's."),
                    p->full_name);
}

/* --- explain and close */

struct saying {
        const struct cli_arguments *args;
        struct admin admin;
        struct emergency_items list;
        const struct emergency_item *item;
        struct store_person person;
        struct store_review review;
        struct approved by;
};

static void saying_clear(struct saying *s) {
        emergency_items_clear(&s->list);
        admin_close(&s->admin);
}

static int load(struct saying *s, enum review_part part) {
        const char *id = cli_word(s->args, 0), *words = s->args->option[OPTION_WORDS];
        int r = admin_open(&s->admin, s->args);
        if (r != CLI_OK)
                return r;
        if (!words[0] || !text_is_clean(words, STORE_WORDS_MAX))
                return fail(CLI_USAGE, _("--words takes 1 to %u bytes of plain text."), STORE_WORDS_MAX);
        if ((r = emergency_items_load(s->admin.store, true, &s->list)) != CLI_OK)
                return r;
        if (!s->list.rules)
                return fail(CLI_FAILED, _("No rules are in force. Apply them with: wardtap policy apply "
                                          "--reason TEXT"));
        s->item = emergency_items_find(&s->list, id);
        if (!s->item)
                return fail(CLI_NOT_FOUND, _("There is no emergency '%s'. See: wardtap emergency list"), id);
        if (emergency_item_part(s->item, part))
                return fail(CLI_CONFLICT, _("That was said already. See: wardtap emergency list --json"));
        s->review = (struct store_review){.part = part};
        memcpy(s->review.review, s->item->emergency.review, sizeof(s->review.review));
        (void) snprintf(s->review.words, sizeof(s->review.words), "%s", words);
        return CLI_OK;
}

static int find_person(struct saying *s, const char *user) {
        int r = admin_find_person(&s->admin, user, &s->person);
        if (r == CLI_OK && (s->person.state != PERSON_ACTIVE || s->person.kind == PERSON_EMERGENCY))
                r = fail(CLI_CONFLICT, _("%s cannot confirm anything now. See: wardtap person show %s"),
                         s->person.full_name, user);
        return r;
}

/* Whose emergency it was, if that is known; an emergency account is nobody. */
static const struct store_person *find_subject(struct saying *s, struct store_person *buf) {
        const struct store_emergency *e = &s->item->emergency;
        int r = e->person != 0 ? store_find_person_by_id(s->admin.store, e->person, buf)
                               : store_find_person(s->admin.store, e->user, buf);
        return r < 0 ? NULL : buf;
}

/* Her own words; or a part of the review, if a role of hers may close it. */
static int confirm(struct saying *s, enum approve_action action) {
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        const struct store_emergency *e = &s->item->emergency;
        struct store_person whose;
        char sentence[STORE_WORDS_MAX + 384];
        uint64_t timeout_usec = 0;
        bool words = action == APPROVE_ACTION_INVALID;
        int r = timeout_take(s->args, &timeout_usec);
        if (r != CLI_OK)
                return r;
        if (words)
                (void) snprintf(sentence, sizeof(sentence),
                                _("These are to be the words of %s about emergency %s: %s"),
                                s->person.full_name, e->review, s->review.words);
        else
                (void) snprintf(sentence, sizeof(sentence), _("%s is to close a review of emergency %s: %s"),
                                s->person.full_name, e->review, s->review.words);
        const struct approval what = {.action = action,
                                      .subject = words ? &s->person : find_subject(s, &whose),
                                      .sentence = sentence,
                                      .review = e->review,
                                      .timeout_ms = (unsigned) (timeout_usec / 1000U)};
        if ((r = terminal_open(&t, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        return approve(&s->admin, &t, s->person.user, &what, &s->by);
}

static int fill(const struct saying *s, struct record *r) {
        int x = approve_record(&s->by, r);
        if (x != CLI_OK)
                return x;
        if (record_set(r, RECORD_FIELD_REVIEW, s->item->emergency.review) < 0 ||
            record_set(r, RECORD_FIELD_REASON, review_part_name(s->review.part)) < 0 ||
            record_set(r, RECORD_FIELD_DETAIL, s->review.words) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

static int store(struct saying *s, enum record_event event) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(&s->admin);
        if (r != CLI_OK)
                return r;
        s->review.person = s->person.id;
        s->review.closed_usec = now_realtime_usec();
        int e = store_add_review(s->admin.store, &s->review);
        if (e == -EEXIST)
                return fail(CLI_CONFLICT, _("That was said already. See: wardtap emergency list --json"));
        if (e == -EKEYREJECTED)
                return fail(CLI_CONFLICT, _("%s has said something of it already: somebody else must."),
                            s->person.full_name);
        if (e < 0)
                return admin_store_failed(e);
        if ((r = admin_record(&s->admin, event, &s->person, &record)) != CLI_OK ||
            (r = fill(s, &record)) != CLI_OK)
                return r;
        return admin_commit(&s->admin, &record);
}

static int print_done(const struct saying *s) {
        if (s->args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "id", s->review.review);
                json_set_string(o, "part", review_part_name(s->review.part));
                json_set_string(o, "by", s->person.user);
                json_print(stdout, o);
                return CLI_OK;
        }
        (void) printf(s->review.part == REVIEW_WORDS ? _("%s has explained emergency %s.\n")
                                                     : _("%s has closed the review of emergency %s.\n"),
                      s->person.full_name, s->review.review);
        return CLI_OK;
}

int command_emergency_close(const struct cli_arguments *args) {
        _cleanup_(saying_clear) struct saying s = {.args = args, .admin.broker = -1};
        const char *as = args->option[OPTION_AS];
        bool security = strcmp(as, "security") == 0;
        int r;
        if (!security && strcmp(as, "clinical") != 0)
                return fail(CLI_USAGE, _("--as takes clinical or security, not '%s'."), as);
        if ((r = load(&s, security ? REVIEW_SECURITY : REVIEW_CLINICAL)) != CLI_OK ||
            (r = find_person(&s, args->option[OPTION_REVIEWER])) != CLI_OK ||
            (r = check_other(s.item, &s.person)) != CLI_OK ||
            (r = confirm(&s, security ? APPROVE_REVIEW_SECURITY : APPROVE_REVIEW_CLINICAL)) != CLI_OK ||
            (r = store(&s, RECORD_REVIEW_CLOSE)) != CLI_OK)
                return r;
        return print_done(&s);
}

int command_emergency_explain(const struct cli_arguments *args) {
        _cleanup_(saying_clear) struct saying s = {.args = args, .admin.broker = -1};
        const char *user = args->option[OPTION_USER];
        int r = load(&s, REVIEW_WORDS);
        if (r != CLI_OK)
                return r;
        if (!user && s.item->emergency.claimed[0])
                return fail(CLI_USAGE, _("Say who explains it, with --user: it was said to be %s's."),
                            s.item->emergency.claimed);
        if ((r = find_person(&s, user ? user : s.item->emergency.user)) != CLI_OK ||
            (r = check_own(s.item, &s.person)) != CLI_OK ||
            (r = confirm(&s, APPROVE_ACTION_INVALID)) != CLI_OK ||
            (r = store(&s, RECORD_REVIEW_WORDS)) != CLI_OK)
                return r;
        return print_done(&s);
}

/* --- drill */

int command_emergency_drill(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        _cleanup_(rules_freep) struct rules *rules = NULL;
        int r = admin_open(&a, args);
        if (r != CLI_OK)
                return r;
        if (rules_load(PATH_SNAPSHOT, &rules) < 0 || !rules->break_glass.present)
                return fail(CLI_FAILED, _("There is no emergency access at this station. Write a "
                                          "[BreakGlass] section: see man wardtap.conf."));
        if ((r = admin_record(&a, RECORD_BREAK_GLASS_DRILL, NULL, &record)) != CLI_OK ||
            (r = admin_send(&a, &record)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON])
                (void) printf("{\"drill\":true,\"minutes\":10}\n");
        else
                (void) printf(_("The next emergency at this station within 10 minutes is a drill.\n"));
        return CLI_OK;
}
