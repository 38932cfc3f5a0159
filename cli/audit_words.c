/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in words. */
#include "cli/audit_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/when.h"

struct sentence {
        char *p;
        size_t n;
        char day[WHEN_TEXT_MAX]; /* that was said last */
};

__attribute__((format(printf, 2, 3))) static void add(struct sentence *s, const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        int n = vsnprintf(s->p + s->n, AUDIT_SENTENCE_MAX - s->n, format, ap);
        va_end(ap);
        if (n > 0)
                s->n += (size_t) n < AUDIT_SENTENCE_MAX - s->n ? (size_t) n : AUDIT_SENTENCE_MAX - s->n - 1;
}

const char *audit_kind_name(enum audit_kind kind) {
        static const char *const names[AUDIT_KIND_MAX] = {
                [AUDIT_REMOVED] = "removed",   [AUDIT_CHANGED] = "changed",   [AUDIT_UNFIT] = "changed",
                [AUDIT_INSERTED] = "inserted", [AUDIT_REORDERED] = "moved",   [AUDIT_FORGED] = "forged",
                [AUDIT_CUT_OFF] = "cut-off",   [AUDIT_EXTENDED] = "inserted", [AUDIT_MARK] = "not-as-noted",
        };
        return names[kind];
}

/* The time, without the day when that is the one before in the sentence. */
static void add_time(struct sentence *s, uint64_t usec) {
        char at[WHEN_TEXT_MAX];
        size_t n = strlen("2026-11-20 ");
        bool again = strncmp(when_local(usec, at), s->day, n) == 0 && s->day[0];
        add(s, "%s", again ? at + n : at);
        memcpy(s->day, at, sizeof(s->day));
}

/* "40 (2026-11-20 10:00:01)" */
static void add_mark(struct sentence *s, const struct audit_mark *m) {
        add(s, "%" PRIu64, m->seq);
        if (!m->time_usec)
                return;
        add(s, " (");
        add_time(s, m->time_usec);
        add(s, ")");
}

/* "record 41 (2026-11-20 10:00:02, denied, anna)", or "records 41 to 43" */
static void add_what(struct sentence *s, const struct audit_mark *m, uint64_t span) {
        if (m->seq == 0)
                add(s, "%s", _("a record without a number"));
        else if (span > 1)
                add(s, _("records %" PRIu64 " to %" PRIu64), m->seq, m->seq + span - 1);
        else
                add(s, _("record %" PRIu64), m->seq);
        if (span > 1 || !m->time_usec)
                return;
        add(s, " (");
        add_time(s, m->time_usec);
        add(s, "%s%s%s%s)", m->event[0] ? ", " : "", m->event, m->user[0] ? ", " : "", m->user);
}

static void add_between(struct sentence *s, const struct audit_mark *a, const struct audit_mark *b) {
        if (a->seq != 0) {
                add(s, "%s", b->seq != 0 ? _(", between ") : _(", after "));
                add_mark(s, a);
        }
        if (b->seq != 0) {
                add(s, "%s", a->seq != 0 ? _(" and ") : _(", before "));
                add_mark(s, b);
        }
}

static void say_forged(struct sentence *s, const struct audit_finding *f) {
        add(s, "%s", _("Forged: "));
        add_what(s, &f->what, 1);
        add(s, _(", written by %s (user %s, process %s)"), f->by[0] ? f->by : _("an unknown program"),
            f->uid[0] ? f->uid : "?", f->pid[0] ? f->pid : "?");
        add_between(s, &f->a, &f->b);
}

static void say_reordered(struct sentence *s, const struct audit_finding *f) {
        struct audit_mark last = {.seq = f->what.seq + f->span - 1};
        add(s, "%s", _("Moved: "));
        if (f->span == 1) {
                add_what(s, &f->what, 1);
                add(s, "%s", _(" stands after "));
                add_mark(s, &f->a);
                return;
        }
        add_what(s, &f->a, 1);
        add(s, "%s", _(" stands before "));
        add_mark(s, &f->what);
        add(s, _(" to %" PRIu64), last.seq);
}

static void say_end(struct sentence *s, const struct audit_finding *f) {
        if (f->kind == AUDIT_EXTENDED) {
                add(s, "%s", _("Inserted: "));
                add_what(s, &f->a, 1);
                add(s, _("; the last that wardtapd has written is %" PRIu64), f->until);
                return;
        }
        add(s, "%s", _("Cut off: "));
        if (f->until == 0) {
                add(s, "%s", _("the epoch ends with "));
                add_what(s, &f->a, 1);
                add(s, "%s", _(", but not as wardtapd ends; later ones may be missing"));
        } else if (f->a.seq == 0) {
                add(s, _("wardtapd has written %" PRIu64 " records, of which the journal has none"),
                    f->until);
        } else {
                add(s, _("records %" PRIu64 " to %" PRIu64 " that wardtapd has written"), f->a.seq + 1,
                    f->until);
                add_between(s, &f->a, &(struct audit_mark){0});
        }
}

static void say_mark(struct sentence *s, const struct audit_finding *f) {
        add(s,
            f->span ? _("Not as noted: record %" PRIu64 " is not the one that was noted; all before it may "
                        "have been written anew")
                    : _("Not as noted: record %" PRIu64 " is not there"),
            f->until);
}

void audit_say(const struct audit_finding *f, const struct audit_epoch *epochs, size_t n_epochs,
               char ret[AUDIT_SENTENCE_MAX]) {
        struct sentence s = {.p = ret, .day = ""};
        ret[0] = 0;
        switch (f->kind) {
        case AUDIT_REMOVED:
                add(&s, "%s", _("Removed: "));
                add_what(&s, &(struct audit_mark){.seq = f->a.seq + 1}, f->span);
                add_between(&s, &f->a, &f->b);
                break;
        case AUDIT_CHANGED:
                add(&s, "%s", _("Changed: "));
                add_what(&s, &f->what, f->span);
                if (f->span > 1)
                        add(&s, "%s", _(", or some of them"));
                else if (f->one_before)
                        add(&s, _(", perhaps %" PRIu64 " too"), f->what.seq - 1);
                add_between(&s, &f->a, &f->b);
                break;
        case AUDIT_UNFIT:
                add(&s, "%s", _("Changed: "));
                add_what(&s, &f->a, 1);
                add(&s, "%s", _(" or "));
                add_what(&s, &f->b, 1);
                add(&s, "%s", _("; they do not fit together"));
                break;
        case AUDIT_INSERTED:
                add(&s, "%s", _("Inserted: "));
                add_what(&s, &f->what, f->span);
                if (f->epoch < n_epochs && epochs[f->epoch].alien)
                        add(&s, _(" of another epoch, %.8s"), epochs[f->epoch].id);
                add_between(&s, &f->a, &f->b);
                break;
        case AUDIT_REORDERED:
                say_reordered(&s, f);
                break;
        case AUDIT_FORGED:
                say_forged(&s, f);
                break;
        case AUDIT_MARK:
                say_mark(&s, f);
                break;
        default:
                say_end(&s, f);
        }
        add(&s, ".");
}
