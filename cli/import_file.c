/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of an import say, and whether they contradict each other. */
#include "cli/import_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/when.h"
#include "common/util.h"

struct import *import_new(void) {
        return calloc(1, sizeof(struct import));
}

struct import *import_free(struct import *im) {
        if (!im)
                return NULL;
        for (size_t i = 0; i < im->n_people; i++)
                free(im->people[i].user);
        if (im->badges)
                explicit_bzero(im->badges, im->n_badges * sizeof(*im->badges));
        free(im->people);
        free(im->badges);
        free(im);
        return NULL;
}

void import_problem(struct import *im, unsigned line, const char *format, ...) {
        if (im->n_problems < IMPORT_PROBLEMS_MAX) {
                struct import_problem *p = &im->problems[im->n_problems];
                va_list ap;
                p->line = line;
                va_start(ap, format);
                (void) vsnprintf(p->text, sizeof(p->text), format, ap);
                va_end(ap);
        }
        im->n_problems++;
}

/* --- Fields */

static bool is_given(const char *s) {
        return s && *s;
}

/* A name that no system has would be a person who can never sign in, or a path to somewhere else. */
static bool is_user(const char *s) {
        return text_is_clean(s, sizeof(((struct store_person *) 0)->user) - 1) && *s && *s != '-' &&
               !s[strcspn(s, " :/,\"'\\@")];
}

static bool take_limit(struct import *im, const char *title, const char *text, bool end, unsigned line,
                       uint64_t now_usec, uint64_t *ret) {
        if (!is_given(text))
                return true;
        if (when_parse(text, end, now_usec, ret) >= 0)
                return true;
        import_problem(im, line,
                       _("'%.40s' is no time for %s. Write it as 2026-11-20, or 2026-11-20 07:30."), text,
                       title);
        return false;
}

static bool take_kind(struct import *im, const struct import_fields *f, unsigned line,
                      struct import_person *p) {
        if (is_given(f->kind) && strcmp(f->kind, "agency") == 0)
                p->kind = PERSON_AGENCY;
        else if (is_given(f->kind) && strcmp(f->kind, "permanent") != 0)
                return import_problem(im, line, _("The kind is 'permanent' or 'agency', not '%.40s'."),
                                      f->kind),
                       false;
        if (is_given(f->state) && strcmp(f->state, "suspended") == 0)
                p->state = PERSON_SUSPENDED;
        else if (is_given(f->state) && strcmp(f->state, "ended") == 0)
                return import_problem(im, line,
                                      _("%.64s has ended, and is not imported. Leave the line out."),
                                      f->user),
                       false;
        else if (is_given(f->state) && strcmp(f->state, "active") != 0)
                return import_problem(im, line, _("The state is 'active' or 'suspended', not '%.40s'."),
                                      f->state),
                       false;
        return true;
}

static bool take_names(struct import *im, const struct import_fields *f, unsigned line) {
        if (!is_given(f->user))
                return import_problem(im, line, "%s", _("The user is missing.")), false;
        if (!is_user(f->user))
                return import_problem(im, line, _("'%.64s' is no name that an account can have."), f->user),
                       false;
        if (!is_given(f->full_name))
                return import_problem(im, line, _("The full name of %.64s is missing."), f->user), false;
        if (!text_is_clean(f->full_name, sizeof(((struct store_person *) 0)->full_name) - 1))
                return import_problem(im, line,
                                      _("The full name of %.64s is longer than 128 bytes, or has characters "
                                        "that are not fit for a screen."),
                                      f->user),
                       false;
        return true;
}

/* --- Badges */

/* Never with the number itself: whoever sees this need not know it. */
static bool take_number(struct import *im, const char *text, size_t n, unsigned line,
                        struct badge_number *ret) {
        char hex[2 * BADGE_NUMBER_MAX + 1];
        size_t len = 0;
        bool good = n < sizeof(hex);
        if (good) {
                memcpy(hex, text, n);
                hex[n] = 0;
                good = hex_decode(hex, ret->bytes, sizeof(ret->bytes), &len) >= 0 && len >= 4;
                explicit_bzero(hex, sizeof(hex));
        }
        if (!good)
                return import_problem(
                               im, line,
                               _("A badge's number is 4 to %u bytes in hexadecimal, as a reader sends "
                                 "it, with spaces between two numbers."),
                               BADGE_NUMBER_MAX),
                       false;
        ret->n = (uint8_t) len;
        if (len == 4 && ret->bytes[0] == 0x08) /* ISO/IEC 14443-3: RID */
                return import_problem(
                               im, line, "%s",
                               _("A number of 4 bytes that begins with 08 is made up anew at each tap, "
                                 "and is no badge's.")),
                       false;
        return true;
}

static int add_badge(struct import *im, const struct badge_number *number) {
        if (im->n_badges == im->room_badges) {
                size_t room = im->room_badges ? im->room_badges * 2 : 1024;
                struct import_badge *badges = calloc(room, sizeof(*badges));
                if (!badges)
                        return -ENOMEM;
                if (im->badges) {
                        memcpy(badges, im->badges, im->n_badges * sizeof(*badges));
                        explicit_bzero(im->badges, im->n_badges * sizeof(*badges));
                }
                free(im->badges);
                im->badges = badges;
                im->room_badges = room;
        }
        im->badges[im->n_badges++] =
                (struct import_badge){.number = *number, .person = (uint32_t) im->n_people};
        return 0;
}

/* 1 when all were good, 0 when one was not. */
static int take_badges(struct import *im, const char *text, unsigned line) {
        size_t n = 0;
        while (text && *(text += strspn(text, " "))) {
                struct badge_number number = {0};
                size_t length = strcspn(text, " ");
                if (n++ == IMPORT_BADGES_EACH_MAX || im->n_badges == IMPORT_BADGES_MAX) {
                        import_problem(im, line, _("One person has at most %u badges, and a file %u."),
                                       IMPORT_BADGES_EACH_MAX, IMPORT_BADGES_MAX);
                        return 0;
                }
                if (!take_number(im, text, length, line, &number))
                        return 0;
                int r = add_badge(im, &number);
                explicit_bzero(&number, sizeof(number));
                if (r < 0)
                        return r;
                text += length;
        }
        return 1;
}

/* --- People */

static int make_room(struct import *im) {
        if (im->n_people < im->room_people)
                return 0;
        size_t room = im->room_people ? im->room_people * 2 : 1024;
        struct import_person *people = reallocarray(im->people, room, sizeof(*people));
        if (!people)
                return -ENOMEM;
        im->people = people;
        im->room_people = room;
        return 0;
}

static int set_names(struct import_person *p, const struct import_fields *f) {
        size_t n = strlen(f->user) + 1, m = strlen(f->full_name) + 1;
        p->user = malloc(n + m);
        if (!p->user)
                return -ENOMEM;
        memcpy(p->user, f->user, n);
        p->full_name = p->user + n;
        memcpy(p->full_name, f->full_name, m);
        return 0;
}

int import_add(struct import *im, const struct import_fields *f, unsigned line, uint64_t now_usec) {
        struct import_person p = {.line = line};
        size_t badges = im->n_badges;
        if (im->n_people == IMPORT_PEOPLE_MAX) {
                import_problem(im, line, _("A file has at most %u people."), IMPORT_PEOPLE_MAX);
                return 0;
        }
        if (!take_names(im, f, line) || !take_kind(im, f, line, &p) ||
            !take_limit(im, "not_before", f->not_before, false, line, now_usec, &p.not_before_usec) ||
            !take_limit(im, "not_after", f->not_after, true, line, now_usec, &p.not_after_usec))
                return 0;
        if (p.not_after_usec && p.not_after_usec <= p.not_before_usec) {
                import_problem(im, line, _("The not_after of %.64s is not later than the not_before."),
                               f->user);
                return 0;
        }
        int r = make_room(im);
        if (r == 0)
                r = take_badges(im, f->badge_numbers, line);
        if (r > 0 && (r = set_names(&p, f)) == 0) {
                im->people[im->n_people++] = p;
                return 0;
        }
        im->n_badges = badges; /* those of a person who is not added */
        return r;
}

/* --- Twins */

static int compare_users(const void *a, const void *b, void *data) {
        const struct import *im = data;
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        int r = strcmp(im->people[x].user, im->people[y].user);
        return r != 0 ? r : (x > y) - (x < y);
}

static int compare_numbers(const void *a, const void *b, void *data) {
        const struct import *im = data;
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        const struct badge_number *m = &im->badges[x].number, *n = &im->badges[y].number;
        int r = m->n != n->n ? m->n - n->n : memcmp(m->bytes, n->bytes, m->n);
        return r != 0 ? r : (x > y) - (x < y);
}

static int sorted(struct import *im, size_t n, int (*compare)(const void *, const void *, void *),
                  uint32_t **ret) {
        uint32_t *order = calloc(n + 1, sizeof(*order));
        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                order[i] = (uint32_t) i;
        qsort_r(order, n, sizeof(*order), compare, im);
        *ret = order;
        return 0;
}

static int find_same_users(struct import *im) {
        _cleanup_(freep) uint32_t *order = NULL;
        int r = sorted(im, im->n_people, compare_users, &order);
        if (r < 0)
                return r;
        for (size_t i = 1; i < im->n_people; i++) {
                const struct import_person *one = &im->people[order[i - 1]], *other = &im->people[order[i]];
                if (strcmp(one->user, other->user) == 0)
                        import_problem(im, other->line, _("%.64s stands in line %u too; once is enough."),
                                       other->user, one->line);
        }
        return 0;
}

static int find_same_numbers(struct import *im) {
        _cleanup_(freep) uint32_t *order = NULL;
        int r = sorted(im, im->n_badges, compare_numbers, &order);
        if (r < 0)
                return r;
        for (size_t i = 1; i < im->n_badges; i++) {
                const struct import_badge *one = &im->badges[order[i - 1]];
                struct import_badge *other = &im->badges[order[i]];
                if (one->number.n != other->number.n ||
                    memcmp(one->number.bytes, other->number.bytes, one->number.n) != 0)
                        continue;
                const struct import_person *p = &im->people[one->person], *q = &im->people[other->person];
                other->none = true;
                if (p == q)
                        import_problem(im, q->line, _("The same badge stands twice with %.64s."), q->user);
                else
                        import_problem(
                                im, q->line,
                                _("A badge of %.64s is also that of %.64s in line %u; a badge has one "
                                  "owner."),
                                q->user, p->user, p->line);
        }
        return 0;
}

int import_find_twins(struct import *im) {
        int r = find_same_users(im);
        return r < 0 ? r : find_same_numbers(im);
}
