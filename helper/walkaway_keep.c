/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of badges and keys that stay, over a restart of wardtapd:
 *
 *   version u8, sessions (u16 of them): id, attempt, reader, token, device; "" for what does not count
 *
 * Only what has settled is kept: of the others nobody could say afterwards whether it was a tap. */
#include "helper/walkaway_internal.h"

#include <errno.h>

#define VERSION 1U
#define ENTRY_MAX                                                                                           \
        (5U * 2U + WALKAWAY_SESSION_SIZE + 33U + DEVICE_READER_MAX + WALKAWAY_TOKEN_SIZE +                  \
         DEVICE_KEY_ID_SIZE)

static bool is_kept(const struct kept *k) {
        return k->settled && (k->card != PLACE_NONE || k->key != PLACE_NONE);
}

static void write_kept(struct writer *w, const struct kept *k) {
        bool card = k->card != PLACE_NONE;
        writer_string(w, k->session);
        writer_string(w, k->attempt);
        writer_string(w, card ? k->reader : "");
        writer_string(w, card ? k->token : "");
        writer_string(w, k->key != PLACE_NONE ? k->device : "");
}

int walkaway_write(const struct walkaway *w, uint8_t **ret, size_t *ret_n) {
        size_t size = 3 + w->n * ENTRY_MAX;
        _cleanup_(freep) uint8_t *buf = malloc(size);
        struct writer out = {.p = buf, .size = size};
        uint16_t n = 0;
        if (!buf)
                return -ENOMEM;
        for (size_t i = 0; i < w->n; i++)
                n = (uint16_t) (n + is_kept(&w->kept[i]));
        writer_u8(&out, VERSION);
        writer_u16(&out, n);
        for (size_t i = 0; i < w->n; i++)
                if (is_kept(&w->kept[i]))
                        write_kept(&out, &w->kept[i]);
        int r = writer_end(&out, ret_n);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(buf);
        return 0;
}

/* A badge has a reader and a token, or there is none; a key has the id of one. */
static bool is_valid(const struct kept *k) {
        if (!text_is_clean(k->session, sizeof(k->session)) ||
            !text_is_clean(k->attempt, sizeof(k->attempt)) || !text_is_clean(k->reader, sizeof(k->reader)) ||
            !text_is_clean(k->token, sizeof(k->token)))
                return false;
        if (!*k->reader != !*k->token || (!*k->reader && !*k->device))
                return false;
        return !*k->device || strspn(k->device, "0123456789abcdef") == DEVICE_KEY_ID_SIZE - 1;
}

static int read_kept(struct walkaway *w, struct bytes *b) {
        struct kept k = {.settled = true}, *place;
        int r;
        if ((r = bytes_take_string(b, k.session, sizeof(k.session))) < 0 ||
            (r = bytes_take_string(b, k.attempt, sizeof(k.attempt))) < 0 ||
            (r = bytes_take_string(b, k.reader, sizeof(k.reader))) < 0 ||
            (r = bytes_take_string(b, k.token, sizeof(k.token))) < 0 ||
            (r = bytes_take_string(b, k.device, sizeof(k.device))) < 0)
                return r;
        if (!is_valid(&k))
                return -EBADMSG;
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->kept[i].session, k.session) == 0)
                        return -EBADMSG;
        if ((r = walkaway_make_room(w, k.session, &place)) < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        k.card = *k.reader ? PLACE_UNKNOWN : PLACE_NONE;
        k.key = *k.device ? PLACE_UNKNOWN : PLACE_NONE;
        *place = k;
        return 0;
}

int walkaway_read(struct walkaway *w, struct bytes b) {
        uint8_t version;
        uint16_t n;
        int r;
        if ((r = bytes_take_u8(&b, &version)) < 0 || (r = bytes_take_u16(&b, &n)) < 0)
                return r;
        r = version == VERSION ? 0 : -EBADMSG;
        for (size_t i = 0; r == 0 && i < n; i++)
                r = read_kept(w, &b);
        if (r == 0)
                r = bytes_end(&b);
        if (r < 0)
                w->n = 0;
        return r;
}
