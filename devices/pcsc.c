/* SPDX-License-Identifier: Apache-2.0 */
/* What PC/SC's numbers mean, and the list of readers. */
#include "devices/pcsc.h"

#include "common/util.h"

/* By what pcscd 1.9.9 was seen to answer, and pcsclite.h. */
static const struct {
        LONG rv;
        enum device_reason reason;
} reasons[] = {
        {SCARD_S_SUCCESS, DEVICE_OK},
        {SCARD_E_CANCELLED, DEVICE_CANCELLED},
        {SCARD_E_TIMEOUT, DEVICE_TIMED_OUT},
        {SCARD_E_UNKNOWN_READER, DEVICE_NO_READER},
        {SCARD_E_READER_UNAVAILABLE, DEVICE_NO_READER},
        {SCARD_E_NO_READERS_AVAILABLE, DEVICE_NO_READER},
        {SCARD_E_NO_SMARTCARD, DEVICE_NO_CARD},
        {SCARD_W_REMOVED_CARD, DEVICE_REMOVED},
        {SCARD_W_RESET_CARD, DEVICE_REMOVED}, /* after one reconnect: not the card it was */
        {SCARD_E_SHARING_VIOLATION, DEVICE_BUSY},
        {SCARD_E_SERVER_TOO_BUSY, DEVICE_BUSY},
        {SCARD_W_UNRESPONSIVE_CARD, DEVICE_BAD_ANSWER},
        {SCARD_W_UNPOWERED_CARD, DEVICE_BAD_ANSWER},
        {SCARD_W_UNSUPPORTED_CARD, DEVICE_BAD_ANSWER},
        {SCARD_E_CARD_UNSUPPORTED, DEVICE_BAD_ANSWER},
        {SCARD_E_PROTO_MISMATCH, DEVICE_BAD_ANSWER},
        {SCARD_E_NOT_TRANSACTED, DEVICE_REMOVED}, /* a driver's word for a card that left mid-way */
        {SCARD_E_INSUFFICIENT_BUFFER, DEVICE_NO_NUMBER},
        {SCARD_E_NO_SERVICE, DEVICE_NO_PCSC},
        {SCARD_E_SERVICE_STOPPED, DEVICE_NO_PCSC},
        {SCARD_E_NO_ACCESS, DEVICE_NO_PCSC},
        {SCARD_W_SECURITY_VIOLATION, DEVICE_NO_PCSC},
        {SCARD_E_INVALID_HANDLE, DEVICE_NO_PCSC},
        {SCARD_F_COMM_ERROR, DEVICE_NO_PCSC},
};

enum device_reason pcsc_reason(LONG rv) {
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (reasons[i].rv == rv)
                        return reasons[i].reason;
        return DEVICE_FAILED;
}

int32_t pcsc_detail(LONG rv) {
        return (int32_t) (uint32_t) rv;
}

LONG pcsc_list(SCARDCONTEXT context, char ret[PCSC_READERS_SIZE]) {
        DWORD n = PCSC_READERS_SIZE - 2;
        memset(ret, 0, PCSC_READERS_SIZE);
        LONG rv = SCardListReaders(context, NULL, ret, &n);
        if (rv == SCARD_E_NO_READERS_AVAILABLE)
                rv = SCARD_S_SUCCESS;
        if (rv != SCARD_S_SUCCESS || n > PCSC_READERS_SIZE - 2)
                n = 0;
        memset(ret + n, 0, PCSC_READERS_SIZE - n);
        return rv;
}
