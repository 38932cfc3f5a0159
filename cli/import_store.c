/* SPDX-License-Identifier: Apache-2.0 */
/* People and badges of an import on their way into the store. */
#include <errno.h>
#include <stdio.h>

#include "cli/import.h"
#include "common/crockford.h"
#include "common/socket.h"

#define ANSWER_USEC (10U * 1000U * 1000U)

/* --- Indexes */

static int hear(int broker, struct broker_message *ret) {
        uint64_t deadline = now_monotonic_usec() + ANSWER_USEC;
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                int r = socket_wait(broker, deadline);
                if (r >= 0)
                        r = broker_receive(broker, &m);
                if (r == -EAGAIN)
                        continue;
                if (r < 0)
                        return r;
                if (m.type == BROKER_INDEXES) {
                        *ret = m;
                        return 0;
                }
        }
}

static int ask(int broker, struct import_badge *badges, size_t n, struct import_keys *keys) {
        _cleanup_(broker_message_clear) struct broker_message q = {.type = BROKER_ASK_INDEXES,
                                                                   .numbers.n = n},
                                                              a = {.type = BROKER_TYPE_INVALID};
        for (size_t i = 0; i < n; i++)
                q.numbers.numbers[i] = badges[i].number;
        int r = broker_send(broker, &q);
        if (r >= 0)
                r = hear(broker, &a);
        if (r < 0)
                return r;
        if (a.indexes.n != n ||
            (keys->n > 0 &&
             (keys->n != a.indexes.n_keys || memcmp(keys->ids, a.indexes.key_ids, sizeof(keys->ids)) != 0)))
                return -EBADMSG; /* wardtapd came back with other keys */
        keys->n = a.indexes.n_keys;
        memcpy(keys->ids, a.indexes.key_ids, sizeof(keys->ids));
        for (size_t i = 0; i < n; i++)
                memcpy(badges[i].index, a.indexes.index[i], sizeof(badges[i].index));
        return 0;
}

int import_ask_indexes(int broker, struct import *im, struct import_keys *ret) {
        struct import_keys keys = {0};
        for (size_t i = 0; i < im->n_badges; i += BROKER_NUMBERS_MAX) {
                size_t n = im->n_badges - i < BROKER_NUMBERS_MAX ? im->n_badges - i : BROKER_NUMBERS_MAX;
                int r = ask(broker, &im->badges[i], n, &keys);
                if (r < 0)
                        return r;
        }
        *ret = keys;
        return 0;
}

/* --- The store */

/* Under any of the keys: a badge that was enrolled under the one before is still its owner's. */
static int find_holder(struct store *s, const struct import_badge *b, const struct import_keys *keys,
                       struct store_person *ret) {
        const char *ids[BADGE_INDEXES_MAX];
        const uint8_t *indexes[BADGE_INDEXES_MAX];
        struct store_badge held;
        for (size_t k = 0; k < keys->n; k++) {
                ids[k] = keys->ids[k];
                indexes[k] = b->index[k];
        }
        int r = store_find_badge(s, ids, indexes, keys->n, &held, ret);
        return r == 0 && held.ended_usec ? -ENOENT : r;
}

static int add_badge(struct store *s, struct import *im, const struct import_badge *b, int64_t person,
                     const struct import_keys *keys, uint64_t now_usec) {
        struct store_badge row = {
                .person = person, .kind = "number", .number_len = b->number.n, .source = "import"};
        const struct import_person *owner = &im->people[b->person];
        struct store_person holder;
        if (b->none)
                return 0;
        int r = keys->n > 1 ? find_holder(s, b, keys, &holder) : -ENOENT;
        memcpy(row.key_id, keys->ids[0], sizeof(row.key_id));
        memcpy(row.index, b->index[0], sizeof(row.index));
        crockford_encode(row.index, 8, row.token);
        if (r == -ENOENT)
                r = store_add_badge(s, &row, now_usec, &holder);
        else if (r == 0)
                r = -EEXIST;
        if (r != -EEXIST)
                return r;
        import_problem(im, owner->line,
                       _("A badge of %.64s belongs to %.64s (%.64s) here; a badge has one owner."),
                       owner->user, holder.full_name, holder.user);
        return 0;
}

static int add_person(struct store *s, struct import *im, const struct import_person *p, uint64_t now_usec,
                      int64_t *ret_id) {
        struct store_person row = {.state = p->state,
                                   .kind = p->kind,
                                   .not_before_usec = p->not_before_usec,
                                   .not_after_usec = p->not_after_usec,
                                   .source = "import"};
        (void) snprintf(row.user, sizeof(row.user), "%s", p->user);
        (void) snprintf(row.full_name, sizeof(row.full_name), "%s", p->full_name);
        int r = store_add_person(s, &row, now_usec);
        *ret_id = r == 0 ? row.id : 0;
        if (r != -EEXIST)
                return r;
        return 0;
}

/* Twins within the file are told already. */
static bool is_told(const struct import *im, unsigned line) {
        size_t n = im->n_problems < IMPORT_PROBLEMS_MAX ? im->n_problems : IMPORT_PROBLEMS_MAX;
        for (size_t i = 0; i < n; i++)
                if (im->problems[i].line == line)
                        return true;
        return false;
}

int import_to_store(struct store *s, struct import *im, const struct import_keys *keys, uint64_t now_usec) {
        size_t at = 0;
        for (size_t i = 0; i < im->n_people; i++) {
                const struct import_person *p = &im->people[i];
                int64_t id = 0;
                int r = add_person(s, im, p, now_usec, &id);
                if (r < 0)
                        return r;
                if (id == 0 && !is_told(im, p->line))
                        import_problem(im, p->line, _("%.64s is enrolled here already."), p->user);
                for (; at < im->n_badges && im->badges[at].person == i; at++)
                        if (id != 0 && (r = add_badge(s, im, &im->badges[at], id, keys, now_usec)) < 0)
                                return r;
        }
        return 0;
}
