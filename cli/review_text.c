/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`: the list as a person reads it, and in the one form that is hashed. */
#include "cli/review.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/paths.h"

static const struct {
        const char *name, *heading; /* msgid; "" where it has a number in it */
} kinds[REVIEW_KIND_MAX] = {
        [REVIEW_ORPHAN] = {"orphan", N_("Enrolled, and this system has no such account")},
        [REVIEW_LOOKUP] = {"lookup-failed", N_("Accounts that could not be looked up")},
        [REVIEW_NO_ROLE] = {"no-role", N_("No role on this station")},
        [REVIEW_SHARED_KEY] = {"shared-key", N_("One key of two people")},
        [REVIEW_NEVER_USED] = {"never-used", N_("Never used on this station")},
        [REVIEW_UNUSED] = {"unused", ""},
        [REVIEW_EXPIRED] = {"expired", N_("Past their end")},
        [REVIEW_EXPIRING] = {"expiring", N_("Ending within 30 days")},
        [REVIEW_TEMPORARY] = {"temporary", N_("For a while")},
        [REVIEW_EXCEPTION] = {"exception", N_("Exceptions past their end")},
        [REVIEW_BREAK_GLASS] = {"break-glass", N_("Emergency access: what is owed or overdue")},
        [REVIEW_FAILURES] = {"failures", N_("Refused again and again")},
        [REVIEW_SITE_KEY] = {"site-key", N_("Keys of this site")},
        [REVIEW_PASSWORD_USER] = {"password-account", N_("Local accounts that have a password")},
        [REVIEW_PASSWORD_SERVICE] = {"password-service", N_("Services that still take a password")},
};

const char *review_kind_name(enum review_kind kind) {
        return kinds[kind].name;
}

#define TODO_SIZE 192U

/* "@" becomes `what`, "#" the item. */
static void say_of(char buf[TODO_SIZE], const char *format, const char *what, const char *item) {
        size_t at = 0;
        for (const char *p = format; *p && at + 1 < TODO_SIZE; p++) {
                const char *more = *p == '@' ? what : *p == '#' ? item : NULL;
                if (more)
                        at += (size_t) snprintf(buf + at, TODO_SIZE - at, "%.80s", more);
                else
                        buf[at++] = *p;
        }
        buf[at < TODO_SIZE ? at : TODO_SIZE - 1] = 0;
}

static void say(char buf[TODO_SIZE], const char *format, const char *what) {
        say_of(buf, format, what, "");
}

/* What of a badge, a key or a person. */
static void todo_of_item(const struct review_finding *f, char buf[TODO_SIZE]) {
        if (strcmp(f->detail, "badge") == 0 || strcmp(f->detail, "suspended badge") == 0)
                say(buf, _("wardtap badge end @ --reason TEXT"), f->item);
        else if (strcmp(f->detail, "key") == 0 || strcmp(f->detail, "suspended key") == 0)
                say(buf, _("wardtap key end @ --reason TEXT"), f->item);
        else
                say(buf, _("see: wardtap person show @"), f->user);
}

static void todo_of_site_key(const struct review_finding *f, char buf[TODO_SIZE]) {
        if (strstr(f->detail, "old key"))
                say(buf, _("enrol these badges anew"), "");
        else if (strcmp(f->item, REVIEW_TICKET_KEY) == 0 && f->detail[0])
                say(buf, _("when no ticket is open: rm @"), PATH_TICKET_KEY);
        else if (strcmp(f->detail, "missing") == 0)
                say(buf, _("systemctl start wardtap-badge-key"), "");
        else if (f->detail[0])
                say(buf, _("see wardtapd(8), CREDENTIALS"), "");
}

static void todo_of_service(const struct review_finding *f, char buf[TODO_SIZE]) {
        if (strcmp(f->item, "sshd") == 0)
                say(buf, _("sshd_config(5): PasswordAuthentication no"), "");
        else if (strncmp(f->detail, "while", strlen("while")) == 0)
                say(buf, _("wardtap enable @ --no-fallback"), f->item);
        else
                say(buf, _("wardtap enable @"), f->item);
}

/* What to do about the other kinds; "@" is the user, or where so marked the item. */
static const struct {
        const char *text; /* msgid */
        bool item;
} todos[REVIEW_KIND_MAX] = {
        [REVIEW_ORPHAN] = {N_("wardtap person offboard @ --reason TEXT"), false},
        [REVIEW_LOOKUP] = {N_("look again when the name service answers"), false},
        [REVIEW_NO_ROLE] = {N_("put @ into a group of a role, or end it"), false},
        [REVIEW_SHARED_KEY] = {N_("wardtap key end @ --reason TEXT"), true},
        [REVIEW_EXPIRED] = {N_("wardtap person offboard @ --reason TEXT"), false},
        [REVIEW_EXPIRING] = {N_("let it end, or give a later end"), false},
        [REVIEW_EXCEPTION] = {N_("take it out of the rules"), false},
        [REVIEW_FAILURES] = {N_("wardtap audit list --user @ --reason TEXT"), false},
        [REVIEW_PASSWORD_USER] = {N_("passwd --lock @"), false},
};

static void todo_of(const struct review_finding *f, char buf[TODO_SIZE]) {
        buf[0] = 0;
        if (f->kind == REVIEW_NEVER_USED || f->kind == REVIEW_UNUSED)
                todo_of_item(f, buf);
        else if (f->kind == REVIEW_TEMPORARY || f->kind == REVIEW_BREAK_GLASS)
                say_of(buf, review_while_todo(f), f->user, f->item);
        else if (f->kind == REVIEW_SITE_KEY)
                todo_of_site_key(f, buf);
        else if (f->kind == REVIEW_PASSWORD_SERVICE)
                todo_of_service(f, buf);
        else if (todos[f->kind].text)
                say(buf, _(todos[f->kind].text), todos[f->kind].item ? f->item : f->user);
}

/* "badge K7Q2M3XD", "person (no-role)", "lightdm (always)" */
static void what_of(const struct review_finding *f, char buf[TODO_SIZE + 160]) {
        bool kind =
                (f->kind == REVIEW_NEVER_USED || f->kind == REVIEW_UNUSED) && strcmp(f->item, "person") != 0;
        if (kind)
                (void) snprintf(buf, TODO_SIZE + 160, "%s %s", f->detail, f->item);
        else if (f->kind == REVIEW_SHARED_KEY)
                (void) snprintf(buf, TODO_SIZE + 160, "key %s, %s", f->item, f->detail);
        else if (f->detail[0])
                (void) snprintf(buf, TODO_SIZE + 160, "%s: %s", f->item, f->detail);
        else
                (void) snprintf(buf, TODO_SIZE + 160, "%s", f->item);
}

/* The rows from `from` on that are of one kind; two passes. Returns where the next kind begins. */
static size_t print_kind(const struct review *r, size_t from) {
        struct table t = {.titles = {_("WHO"), _("WHAT"), _("SINCE"), _("TO DO")}};
        enum review_kind kind = r->findings[from].kind;
        size_t end = from;
        while (end < r->n && r->findings[end].kind == kind)
                end++;
        if (kind == REVIEW_EXPIRING || kind == REVIEW_TEMPORARY)
                t.titles[2] = _("UNTIL");
        if (kind == REVIEW_UNUSED)
                (void) printf(_("Not used on this station for %u days (%zu)\n"), r->unused_days, end - from);
        else
                (void) printf("%s (%zu)\n", _(kinds[kind].heading), end - from);
        table_measure(&t, t.titles);
        for (size_t i = from; i < end + (end - from); i++) {
                const struct review_finding *f = &r->findings[i < end ? i : i - (end - from)];
                char what[TODO_SIZE + 160], todo[TODO_SIZE], since[WHEN_TEXT_MAX];
                what_of(f, what);
                todo_of(f, todo);
                (void) when_local(f->since_usec, since);
                since[strnlen(since, strlen("2026-11-20"))] = 0;
                const char *const cells[] = {f->user, what, since, todo};
                if (i < end)
                        table_measure(&t, cells);
                if (i == end)
                        table_print_titles(&t, stdout);
                if (i >= end)
                        table_print(&t, stdout, cells);
        }
        (void) putchar('\n');
        return end;
}

void review_print(const struct review *r) {
        for (size_t i = 0; i < r->n;)
                i = print_kind(r, i);
        if (r->no_history)
                (void) printf(
                        "%s\n\n",
                        _("What was used when could not be read, so nothing is said of it. See: wardtap "
                          "store check"));
        (void) printf(
                _("%zu findings. Use is known of this station alone, and of a badge to within a day. "
                  "Whether two\nkeys are one device cannot be known: each has a key pair of its own for "
                  "each credential.\n"),
                r->n);
}

static struct json_object *finding_json(const struct review_finding *f) {
        struct json_object *o = json_new();
        json_set_string(o, "kind", review_kind_name(f->kind));
        json_set_string(o, "user", f->user[0] ? f->user : NULL);
        json_set_string(o, "name", f->name[0] ? f->name : NULL);
        json_set_string(o, "item", f->item);
        json_set_string(o, "detail", f->detail[0] ? f->detail : NULL);
        if (f->since_usec)
                json_set_u64(o, "since_usec", f->since_usec);
        else
                json_set(o, "since_usec", NULL);
        return o;
}

struct json_object *review_json(const struct review *r) {
        struct json_object *o = json_new(), *findings = json_new_array();
        json_set_u64(o, "version", 1);
        json_set_string(o, "station", r->station);
        json_set_u64(o, "unused_for_days", r->unused_days);
        json_set_bool(o, "use_known", !r->no_history);
        for (size_t i = 0; i < r->n; i++)
                json_append(findings, finding_json(&r->findings[i]));
        json_set(o, "findings", findings);
        return o;
}

int review_canonical(const struct review *r, char **ret, char ret_hash[REVIEW_HASH_SIZE]) {
        _cleanup_(json_putp) struct json_object *o = review_json(r);
        uint8_t hash[EVP_MAX_MD_SIZE];
        const char *text =
                json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        _cleanup_(freep) char *copy = text ? strdup(text) : NULL;
        if (!copy)
                return -ENOMEM;
        if (EVP_Digest(copy, strlen(copy), hash, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        hex_encode(hash, 32, ret_hash);
        *ret = TAKE_PTR(copy);
        return 0;
}
