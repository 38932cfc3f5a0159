/* SPDX-License-Identifier: Apache-2.0 */
/* Watches readers and cards: waits in pcscd, without polling, and starts over with a new context whenever
 * anything goes wrong. Talks to no card. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/operation.h"
#include "devices/pcsc.h"
#include "devices/watch_state.h"

enum {
        WAIT_MS = 60000, /* a reader that came between the list and the wait is found then at the latest */
        BACK_OFF_MIN_MS = 100,
        BACK_OFF_MAX_MS = 5000,
        UNKNOWN_MAX = 3, /* lists and waits that contradict each other, in a row */
};

_Static_assert(DEVICE_READERS_MAX <= PCSCLITE_MAX_READERS_CONTEXTS, "watch_once() has room for all readers");

static void emit(void *context, const struct device_event *e) {
        operation_emit(context, e);
}

static DWORD fill_states(const struct watch_state *s, SCARD_READERSTATE *ret) {
        DWORD n = 0;
        for (; n < s->n; n++)
                ret[n] = (SCARD_READERSTATE){.szReader = s->readers[n].name,
                                             .dwCurrentState = s->readers[n].state};
        if (n < PCSCLITE_MAX_READERS_CONTEXTS) /* pcsc-lite takes no more entries; with 16 none can come */
                ret[n++] = (SCARD_READERSTATE){.szReader = PCSC_PNP_READER};
        return n;
}

static void take_states(struct operation *op, struct watch_state *s, const SCARD_READERSTATE *states) {
        uint64_t now = now_monotonic_usec();
        for (size_t i = 0; i < s->n; i++)
                watch_update(&s->readers[i], (uint32_t) states[i].dwEventState, states[i].rgbAtr,
                             states[i].cbAtr, now, emit, op);
}

/* One list and one wait. */
static LONG watch_once(struct operation *op, SCARDCONTEXT context, struct watch_state *s) {
        SCARD_READERSTATE states[PCSCLITE_MAX_READERS_CONTEXTS];
        char names[PCSC_READERS_SIZE];
        LONG rv = pcsc_list(context, names);
        if (rv != SCARD_S_SUCCESS)
                return rv;
        watch_set_readers(s, names, emit, op);
        rv = SCardGetStatusChange(context, WAIT_MS, states, fill_states(s, states));
        if (rv == SCARD_S_SUCCESS)
                take_states(op, s, states);
        return rv == SCARD_E_TIMEOUT ? SCARD_S_SUCCESS : rv;
}

/* Until pcscd is lost. */
static void watch_context(struct operation *op, SCARDCONTEXT context) {
        struct watch_state s = {.n = 0};
        unsigned unknown = 0;
        while (unknown < UNKNOWN_MAX) {
                LONG rv = watch_once(op, context, &s);
                if (rv == SCARD_E_UNKNOWN_READER)
                        unknown++; /* it left between list and wait */
                else if (rv == SCARD_S_SUCCESS)
                        unknown = 0;
                else
                        break;
        }
}

void watch_run(struct operation *op) {
        int back_off_ms = BACK_OFF_MIN_MS;
        bool lost = false; /* has been said */
        for (;;) {
                SCARDCONTEXT context;
                if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS) {
                        uint64_t since = now_monotonic_usec();
                        operation_emit_type(op, DEVICE_EVENT_PCSC_READY);
                        watch_context(op, context);
                        (void) SCardReleaseContext(context);
                        lost = false;
                        if (now_monotonic_usec() - since > BACK_OFF_MAX_MS * 1000U)
                                back_off_ms = BACK_OFF_MIN_MS;
                }
                if (!lost)
                        operation_emit_type(op, DEVICE_EVENT_PCSC_LOST);
                lost = true;
                if (operation_pause(op, back_off_ms) != DEVICE_OK)
                        return;
                back_off_ms = back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : back_off_ms * 2;
        }
}
