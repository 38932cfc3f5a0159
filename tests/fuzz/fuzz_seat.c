/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd kept of the seat over its restart, and sessions that come to the screen after it: no managed
 * one that was parked is ever taken for shown without a let-in. */
#include "helper/seat.h"

#include <stdio.h>

static unsigned guards;

static void on_record(void *userdata, struct record *r) {
}
static void on_guard(void *userdata) {
        guards++;
}
static void on_session(void *userdata, const struct seat_session *s) {
}
static void on_changed(void *userdata) {
}

static const struct seat_events events = {.record = on_record,
                                          .guard = on_guard,
                                          .shown = on_session,
                                          .parked = on_session,
                                          .gone = on_session,
                                          .changed = on_changed};

static void show(struct seat *s, const struct logind_session *l, struct seat_now now) {
        const struct seat_session *e = seat_find(s, l->id);
        bool must_not = e && e->managed && e->parked_once && !e->shown;
        unsigned before = guards;
        seat_active(s, l, now);
        if (must_not && (guards != before + 1 || (seat_shown(s) && strcmp(seat_shown(s)->id, l->id) == 0)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct seat_now now = {.mono_usec = 1000000000, .boot_usec = 1000000000};
        struct logind_session l[3] = {0};
        struct seat *s = NULL;
        if (seat_new(&events, NULL, &s) < 0)
                abort();
        if (seat_read(s, (struct bytes){data, size}) == 0) {
                for (size_t i = 0; i < ELEMENTSOF(l); i++) {
                        (void) snprintf(l[i].id, sizeof(l[i].id), "%zu", i + 1);
                        (void) snprintf(l[i].seat, sizeof(l[i].seat), "seat0");
                        l[i].uid = (uid_t) (2001 + i);
                        l[i].person = true;
                        seat_session(s, &l[i], now);
                }
                seat_found_active(s, &l[0], now);
                for (size_t i = 0; i < 6; i++)
                        show(s, &l[i % ELEMENTSOF(l)], now);
        }
        s = seat_free(s);
        return 0;
}
