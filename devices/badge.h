/* SPDX-License-Identifier: Apache-2.0 */
/* What a badge says: its kind from the ATR, its number from the reader's "get data" command. Pure: bytes
 * come through a function, so that every answer can be tried. */
#pragma once

#include "devices/client.h"

/* A kind of card, told by the ATR (PC/SC part 3, 3.1.3.2.3). A hint, never identity. */
struct badge_kind {
        const char *name;
        uint16_t lengths; /* bit n set: its numbers may have n bytes */
        bool is_iso15693;
        bool is_felica;
};

/* Never NULL: what the ATR does not tell is "unknown" (contactless) or "contact". */
const struct badge_kind *badge_kind(const uint8_t *atr, size_t n);

/* Turns what the reader answered into the number in canonical byte order: as the card sends it in
 * anticollision, most significant byte first. Only ISO 15693 tells which end that is (its first byte is E0,
 * ISO/IEC 15693-3, 4.1); the others stay as the reader gives them. DEVICE_OK and *ret, DEVICE_NO_NUMBER, or
 * DEVICE_RANDOM_NUMBER. */
enum device_reason badge_number(const struct badge_kind *kind, const uint8_t *answer, size_t n,
                                struct device_badge *ret);

/* Exchanges one APDU. DEVICE_OK and *ret_n bytes in ret (of size), or why not. */
typedef enum device_reason (*badge_transmit)(void *context, const uint8_t *apdu, size_t n, uint8_t *ret,
                                             size_t size, size_t *ret_n);

/* Asks for the number twice and compares, so that a card exchanged meanwhile is seen. *ret_detail is set
 * always: the status word of a refusal, else 0. */
enum device_reason badge_read(badge_transmit transmit, void *context, const uint8_t *atr, size_t atr_len,
                              struct device_badge *ret, int32_t *ret_detail);
