/* SPDX-License-Identifier: Apache-2.0 */
/* What a restart must not forget, as bytes: version u8, the last session string, then per session its id,
 * owner and state, and the proof that has counted last. */
#include "helper/seat_internal.h"

#define KEEP_VERSION 3U
#define KEEP_VERSION_TICKET 2U /* the first one that has until and ticket ... */
#define KEEP_VERSION_BOOT 3U   /* ... and the first one with until by the boot clock */
#define ENTRY_MAX 1024U

static void write_session(struct writer *w, const struct seat_session *e) {
        const struct seat_proof *p = &e->proof;
        writer_string(w, e->id);
        writer_u32(w, e->uid);
        writer_u8(w, e->managed);
        writer_u8(w, e->shown);
        writer_u8(w, e->parked_once);
        writer_u64(w, e->since_usec);
        writer_u64(w, e->since_mono_usec);
        writer_u32(w, p->uid);
        writer_string(w, p->name);
        writer_string(w, p->attempt);
        writer_string(w, p->role);
        writer_string(w, p->factors);
        writer_string(w, p->aal);
        writer_string(w, p->reader);
        writer_string(w, p->badge);
        writer_string(w, p->key);
        writer_u64(w, p->tap_usec);
        writer_u64(w, p->until_boot_usec);
        writer_string(w, p->ticket);
}

static int read_session(struct bytes *b, unsigned version, struct seat_session *e) {
        struct seat_proof *p = &e->proof;
        int r;
        if ((r = bytes_take_string(b, e->id, sizeof(e->id))) < 0 || (r = bytes_take_u32(b, &e->uid)) < 0 ||
            (r = bytes_take_bool(b, &e->managed)) < 0 || (r = bytes_take_bool(b, &e->shown)) < 0 ||
            (r = bytes_take_bool(b, &e->parked_once)) < 0 || (r = bytes_take_u64(b, &e->since_usec)) < 0 ||
            (r = bytes_take_u64(b, &e->since_mono_usec)) < 0 || (r = bytes_take_u32(b, &p->uid)) < 0 ||
            (r = bytes_take_string(b, p->name, sizeof(p->name))) < 0 ||
            (r = bytes_take_string(b, p->attempt, sizeof(p->attempt))) < 0 ||
            (r = bytes_take_string(b, p->role, sizeof(p->role))) < 0 ||
            (r = bytes_take_string(b, p->factors, sizeof(p->factors))) < 0 ||
            (r = bytes_take_string(b, p->aal, sizeof(p->aal))) < 0 ||
            (r = bytes_take_string(b, p->reader, sizeof(p->reader))) < 0 ||
            (r = bytes_take_string(b, p->badge, sizeof(p->badge))) < 0 ||
            (r = bytes_take_string(b, p->key, sizeof(p->key))) < 0 ||
            (r = bytes_take_u64(b, &p->tap_usec)) < 0 || version < KEEP_VERSION_TICKET ||
            (r = bytes_take_u64(b, &p->until_boot_usec)) < 0)
                return r;
        if (version < KEEP_VERSION_BOOT && p->until_boot_usec != 0)
                p->until_boot_usec = 1; /* over: her next tap needs a full sign-in */
        return bytes_take_string(b, p->ticket, sizeof(p->ticket));
}

int seat_write(const struct seat *s, uint8_t **ret, size_t *ret_n) {
        struct writer w = {.size = (s->n + 1) * ENTRY_MAX};
        w.p = malloc(w.size);
        if (!w.p)
                return -ENOMEM;
        writer_u8(&w, KEEP_VERSION);
        writer_string(&w, s->last);
        for (size_t i = 0; i < s->n; i++)
                if (s->sessions[i]->managed || s->sessions[i]->shown)
                        write_session(&w, s->sessions[i]);
        int r = writer_end(&w, ret_n);
        if (r < 0) {
                free(w.p);
                return r;
        }
        *ret = w.p;
        return 0;
}

int seat_read(struct seat *s, struct bytes b) {
        _cleanup_(freep) struct seat_session *kept = calloc(SEAT_SESSIONS_MAX, sizeof(*kept));
        char last[LOGIND_ID_SIZE];
        uint8_t version;
        size_t n = 0;
        int r;
        if (!kept)
                return -ENOMEM;
        if ((r = bytes_take_u8(&b, &version)) < 0 || (r = bytes_take_string(&b, last, sizeof(last))) < 0)
                return r;
        if (version < 1 || version > KEEP_VERSION)
                return -EBADMSG;
        while (b.n > 0) {
                if (n == SEAT_SESSIONS_MAX)
                        return -EBADMSG;
                if ((r = read_session(&b, version, &kept[n++])) < 0)
                        return r;
        }
        free(s->kept);
        s->kept = TAKE_PTR(kept);
        s->n_kept = n;
        memcpy(s->last, last, sizeof(s->last));
        return 0;
}
