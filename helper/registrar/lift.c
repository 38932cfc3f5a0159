/* SPDX-License-Identifier: Apache-2.0 */
/* What a colleague reported lost, and its owner has in her hand again: in use by her ticket. */
#include "helper/registrar/registrar_internal.h"

#include <errno.h>

int registrar_find_badge(const struct registrar *r, const struct registrar_badge *b,
                         struct store_badge *ret) {
        const char *key_ids[BADGE_INDEXES_MAX];
        const uint8_t *indexes[BADGE_INDEXES_MAX];
        struct store_person holder;
        for (size_t i = 0; i < b->n_indexes; i++) {
                key_ids[i] = b->indexes[i].key_id;
                indexes[i] = b->indexes[i].index;
        }
        return store_find_badge(r->people, key_ids, indexes, b->n_indexes, ret, &holder);
}

/* Whoever issued it before knew of no loss: then code and badge may have been in the same bag. */
static bool may_lift(const struct store_ticket *t, uint64_t suspended_usec, const char *reason) {
        return store_is_reported(reason) && t->added_usec > suspended_usec;
}

enum registrar_status registrar_lift_badge(const struct registrar_change *w, const struct store_badge *held,
                                           char ret_token[9]) {
        struct store_person p;
        struct store_badge b;
        if (held->suspended_usec == 0)
                return REGISTRAR_OK;
        if (!may_lift(&w->ticket, held->suspended_usec, held->suspend_reason))
                return REGISTRAR_BADGE_SUSPENDED;
        if (store_suspend_badge(w->r->people, held->token, NULL, w->now_usec, &b, &p) < 0 ||
            b.id != held->id)
                return REGISTRAR_FAILED;
        memcpy(ret_token, held->token, sizeof(held->token));
        return REGISTRAR_OK;
}

enum registrar_status registrar_lift_key(const struct registrar_change *w, const struct store_key *held,
                                         bool *ret_lifted) {
        struct store_person p;
        struct store_key k;
        if (held->suspended_usec == 0)
                return REGISTRAR_OK;
        if (!may_lift(&w->ticket, held->suspended_usec, held->suspend_reason))
                return REGISTRAR_KEY_SUSPENDED;
        if (store_suspend_key(w->r->people, held->token, NULL, w->now_usec, &k, &p) < 0 || k.id != held->id)
                return REGISTRAR_FAILED;
        *ret_lifted = true;
        return REGISTRAR_OK;
}

enum registrar_status registrar_note_found(struct registrar_change *w, const char *badge, const char *key) {
        if (!badge[0] && !key[0])
                return REGISTRAR_OK;
        return registrar_note(w, RECORD_LOST_FOUND,
                              (struct registrar_field[3]){{RECORD_FIELD_REASON, badge[0] ? "badge" : "key"},
                                                          {RECORD_FIELD_BADGE, badge},
                                                          {RECORD_FIELD_KEY, key}});
}
