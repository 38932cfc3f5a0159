/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the number of the badge in one reader, inside one transaction. The deadline and a hang-up end the
 * process, and with it the connection to pcscd: a slow card cannot be told to stop. */
#include "common/util.h"
#include "devices/badge.h"
#include "devices/operation.h"
#include "devices/pcsc.h"

enum {
        BUSY_PAUSE_MS = 50, /* another program holds the card */
};

struct card {
        SCARDCONTEXT context;
        SCARDHANDLE handle;
        DWORD protocol;
        uint8_t atr[MAX_ATR_SIZE];
        DWORD atr_len;
        LONG rv; /* of the last call */
};

/* Another program may hold the card for a moment; its end is waited for until the deadline, by pcscd itself
 * where it is a transaction. */
static enum device_reason card_connect(const struct operation *op, struct card *c) {
        for (;;) {
                operation_last_words(DEVICE_BUSY);
                c->rv = SCardConnect(c->context, op->request.reader, SCARD_SHARE_SHARED,
                                     SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &c->handle, &c->protocol);
                if (c->rv != SCARD_E_SHARING_VIOLATION)
                        return pcsc_reason(c->rv);
                enum device_reason paused = operation_pause(op, BUSY_PAUSE_MS);
                if (paused != DEVICE_OK)
                        return paused == DEVICE_TIMED_OUT ? DEVICE_BUSY : paused;
        }
}

static enum device_reason card_atr(struct card *c, uint8_t *ret, DWORD *ret_len) {
        DWORD n = MAX_ATR_SIZE;
        c->rv = SCardStatus(c->handle, NULL, NULL, NULL, NULL, ret, &n);
        if (c->rv != SCARD_S_SUCCESS)
                return pcsc_reason(c->rv);
        if (n > MAX_ATR_SIZE)
                return DEVICE_BAD_ANSWER;
        *ret_len = n;
        return DEVICE_OK;
}

static enum device_reason transmit(void *context, const uint8_t *apdu, size_t n, uint8_t *ret, size_t size,
                                   size_t *ret_n) {
        struct card *c = context;
        DWORD got = size;
        const SCARD_IO_REQUEST *pci = c->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
        c->rv = SCardTransmit(c->handle, pci, apdu, n, NULL, ret, &got);
        if (c->rv != SCARD_S_SUCCESS)
                return pcsc_reason(c->rv);
        if (got > size)
                return DEVICE_BAD_ANSWER;
        *ret_n = got;
        return DEVICE_OK;
}

static enum device_reason card_begin(struct card *c) {
        operation_last_words(DEVICE_BUSY);
        c->rv = SCardBeginTransaction(c->handle);
        operation_last_words(DEVICE_TIMED_OUT);
        return pcsc_reason(c->rv);
}

/* The card must be the same at the end as at the start. */
static enum device_reason card_unchanged(struct card *c) {
        uint8_t atr[MAX_ATR_SIZE];
        DWORD n = 0;
        enum device_reason reason = card_atr(c, atr, &n);
        if (reason != DEVICE_OK)
                return reason;
        return n == c->atr_len && memcmp(atr, c->atr, n) == 0 ? DEVICE_OK : DEVICE_REMOVED;
}

static enum device_reason card_read(struct card *c, struct device_badge *ret, int32_t *ret_detail) {
        enum device_reason reason = card_begin(c);
        if (reason != DEVICE_OK)
                return reason;
        if ((reason = card_atr(c, c->atr, &c->atr_len)) == DEVICE_OK)
                reason = badge_read(transmit, c, c->atr, c->atr_len, ret, ret_detail);
        if (reason == DEVICE_OK)
                reason = card_unchanged(c);
        (void) SCardEndTransaction(c->handle, SCARD_LEAVE_CARD);
        return reason;
}

static enum device_reason identify(const struct operation *op, struct card *c, struct device_badge *ret,
                                   int32_t *ret_detail) {
        enum device_reason reason = card_connect(op, c);
        if (reason != DEVICE_OK)
                return reason;
        reason = card_read(c, ret, ret_detail);
        if (c->rv == SCARD_W_RESET_CARD) { /* another program reset it: once more, with the new state */
                c->rv = SCardReconnect(c->handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                       SCARD_LEAVE_CARD, &c->protocol);
                reason = c->rv == SCARD_S_SUCCESS ? card_read(c, ret, ret_detail) : pcsc_reason(c->rv);
        }
        (void) SCardDisconnect(c->handle, SCARD_LEAVE_CARD);
        return reason;
}

void identify_run(struct operation *op) {
        struct device_event e = {.type = DEVICE_EVENT_BADGE, .retries = -1};
        struct card c = {0};
        int32_t sw = 0;
        enum device_reason reason;
        c.rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c.context);
        if (c.rv != SCARD_S_SUCCESS) {
                operation_fail(op, outcome_of(DEVICE_NO_PCSC, pcsc_detail(c.rv)));
                return;
        }
        reason = identify(op, &c, &e.badge, &sw);
        if (reason == DEVICE_OK)
                operation_emit(op, &e);
        else
                operation_fail(op, outcome_of(reason, c.rv == SCARD_S_SUCCESS ? sw : pcsc_detail(c.rv)));
        explicit_bzero(&e, sizeof(e));
        (void) SCardReleaseContext(c.context);
}
