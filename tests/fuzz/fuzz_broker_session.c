/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of wardtapd may say: arbitrary messages (each with a length u8 in front) after arbitrary
 * greetings, through decoding, rights and taps. Never may a client that did not enrol see a number, and
 * never do two clients hold one tap, whatever is on the screen. */
#include "common/util.h"
#include "helper/broker_rights.h"
#include "helper/taps.h"

#define CLIENTS 4U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
        bool greeted;
        enum broker_purpose purpose;
        char attempt[33], seat[65];
        uint64_t holds;
};

static void hand_out(struct taps *t, struct client *clients, uint64_t now) {
        struct tap tap;
        uint64_t id;
        while (taps_hand_out(t, now, &id, &tap) == 1) {
                struct client *c = &clients[id - 1];
                if (c->purpose != BROKER_ENROL && tap.number_len != 0)
                        abort();
                for (size_t i = 0; i < CLIENTS; i++)
                        if (clients[i].holds == tap.id && i != id - 1)
                                abort();
                c->holds = c->purpose == BROKER_ENROL ? 0 : tap.id;
        }
}

static void record(struct taps *t, struct client *c, uint64_t id, const struct record *r, uint64_t now) {
        const char *reader;
        if (rights_record(c->purpose, c->attempt, r) < 0 || !rights_is_verdict(r->event))
                return;
        (void) taps_verdict(t, id, r->event == RECORD_UNKNOWN_BADGE, now, &reader);
        c->holds = 0;
}

static void serve(struct taps *t, struct client *c, uint64_t id, const struct broker_message *m,
                  uint64_t now) {
        if (!c->greeted) {
                if (m->type != BROKER_HELLO || rights_hello(m, id == 1 ? 0 : 901) < 0)
                        return;
                c->greeted = true;
                c->purpose = m->hello.purpose;
                memcpy(c->attempt, m->hello.attempt, sizeof(c->attempt));
                memcpy(c->seat, m->hello.seat, sizeof(c->seat));
        } else if (rights_message(c->purpose, m->type)) {
                if (m->type == BROKER_WANT_TAP) {
                        if (c->holds != 0)
                                c->holds = 0;
                        (void) taps_want(t, id, c->seat, (unsigned) id % 3,
                                         c->purpose == BROKER_ENROL     ? TAPS_ENROL
                                         : c->purpose == BROKER_STEP_UP ? TAPS_STEP_UP
                                                                        : TAPS_SIGN_IN,
                                         now);
                } else if (m->type == BROKER_RECORD) {
                        record(t, c, id, &m->record, now);
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(taps_freep) struct taps *t = NULL;
        struct client clients[CLIENTS] = {0};
        struct bytes b = {data, size};
        uint64_t now = 1000000;
        uint8_t what, n;
        if (taps_new(&t) < 0 || taps_add_reader(t, "A") < 0)
                return 0;
        while (bytes_take_u8(&b, &what) == 0 && bytes_take_u8(&b, &n) == 0) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                uint64_t id = what % CLIENTS + 1;
                struct client *c = &clients[id - 1];
                struct bytes part;
                taps_set_screen(t, &(struct taps_screen){.vt = what & 3, .greeter = {what & 4 ? 'c' : 0}});
                now += (uint64_t) n * 10000;
                if (what & 0x80) {
                        const struct tap tap = {
                                .seen_usec = now, .reader = "A", .number_len = 4, .n_indexes = 1};
                        (void) taps_add(t, &tap, "", now);
                } else if (what & 0x40) {
                        taps_client_gone(t, id);
                        *c = (struct client){0};
                } else if (bytes_take(&b, n, &part) == 0 && broker_read(part, &m) == 0) {
                        serve(t, c, id, &m, now);
                }
                hand_out(t, clients, now);
        }
        return 0;
}
