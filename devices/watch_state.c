/* SPDX-License-Identifier: Apache-2.0 */
/* From the states of PC/SC to events: readers by name, cards by state and counter. */
#include "devices/watch_state.h"

#include "common/bytes.h"
#include "common/util.h"
#include "devices/pcsc.h"

static void emit_reader(const struct watch_reader *r, enum device_event_type type, bool present,
                        watch_emit emit, void *context) {
        struct device_event e = {.type = type, .present = present, .retries = -1};
        memcpy(e.reader, r->name, sizeof(e.reader));
        emit(context, &e);
}

static bool is_listed(const char *names, const char *name) {
        for (; *names; names += strlen(names) + 1)
                if (strcmp(names, name) == 0)
                        return true;
        return false;
}

static bool is_kept(const struct watch_state *s, const char *name) {
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->readers[i].name, name) == 0)
                        return true;
        return false;
}

static void drop_missing(struct watch_state *s, const char *names, watch_emit emit, void *context) {
        size_t kept = 0;
        for (size_t i = 0; i < s->n; i++) {
                struct watch_reader *r = &s->readers[i];
                bool gone = !is_listed(names, r->name), restarted = r->state & SCARD_STATE_UNKNOWN;
                if (r->known && (gone || restarted))
                        emit_reader(r, DEVICE_EVENT_READER_DETACHED, false, emit, context);
                if (!gone && !restarted)
                        s->readers[kept++] = *r;
        }
        s->n = kept;
}

void watch_set_readers(struct watch_state *s, const char *names, watch_emit emit, void *context) {
        drop_missing(s, names, emit, context);
        for (; *names && s->n < DEVICE_READERS_MAX; names += strlen(names) + 1) {
                if (is_kept(s, names) || !text_is_clean(names, DEVICE_READER_MAX))
                        continue;
                struct watch_reader r = {.state = 0};
                memcpy(r.name, names, strlen(names));
                s->readers[s->n++] = r;
        }
}

static void toggle(const struct watch_reader *r, bool *present, bool last, const uint8_t *atr,
                   size_t atr_len, uint64_t now_usec, watch_emit emit, void *context) {
        *present = !*present;
        struct device_event e = {.type = *present ? DEVICE_EVENT_CARD_INSERTED : DEVICE_EVENT_CARD_REMOVED,
                                 .retries = -1};
        memcpy(e.reader, r->name, sizeof(e.reader));
        if (*present)
                e.seen_usec = now_usec;
        if (*present && last && atr_len <= sizeof(e.atr)) { /* of an earlier card nobody knows the ATR */
                memcpy(e.atr, atr, atr_len);
                e.atr_len = atr_len;
        }
        emit(context, &e);
}

void watch_update(struct watch_reader *r, uint32_t event_state, const uint8_t *atr, size_t atr_len,
                  uint64_t now_usec, watch_emit emit, void *context) {
        uint32_t before = r->state;
        r->state = event_state & ~(uint32_t) SCARD_STATE_CHANGED;
        if (event_state & SCARD_STATE_UNKNOWN)
                return; /* gone: the next list says so */
        if (!r->known) {
                r->known = true;
                emit_reader(r, DEVICE_EVENT_READER_ATTACHED, event_state & SCARD_STATE_PRESENT, emit,
                            context);
                return;
        }
        bool present = before & SCARD_STATE_PRESENT, now = event_state & SCARD_STATE_PRESENT;
        uint16_t steps = (uint16_t) ((event_state >> 16) - (before >> 16));
        unsigned toggles = present != now ? (steps >= 3 ? 3 : 1) : (steps >= 2 ? 2 : 0);
        for (unsigned i = 1; i <= toggles; i++)
                toggle(r, &present, i == toggles, atr, atr_len, now_usec, emit, context);
}
