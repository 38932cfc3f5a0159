/* SPDX-License-Identifier: Apache-2.0 */
/* A badge's kind and number, out of bytes that nobody vouches for. */
#include "devices/badge.h"

#include "common/bytes.h"
#include "common/util.h"

#define LENGTH(n) (uint16_t)(1U << (n))
#define ISO14443A (LENGTH(4) | LENGTH(7) | LENGTH(10)) /* ISO/IEC 14443-3, 6.5.4: single, double, triple */

enum {
        ANSWER_MAX = 512,      /* of one exchange */
        TOTAL_MAX = 512,       /* of a chained answer */
        GET_RESPONSES_MAX = 4, /* a number needs none */
};

static const struct badge_kind contact = {.name = "contact"}; /* has no anticollision, so no number */
static const struct badge_kind unknown = {.name = "unknown", .lengths = ISO14443A | LENGTH(8)};
static const struct badge_kind iso14443_4 = {.name = "iso14443-4", .lengths = ISO14443A};
static const struct badge_kind desfire = {.name = "desfire", .lengths = ISO14443A};

/* Storage cards by standard, where the name says nothing more. */
static const struct {
        uint8_t first, last; /* SS of PC/SC part 3, table 3.4 */
        struct badge_kind kind;
} standards[] = {
        {0x01, 0x03, {.name = "iso14443a-3", .lengths = ISO14443A}},
        {0x05, 0x07, {.name = "iso14443b-3", .lengths = LENGTH(4)}}, /* PUPI, ISO/IEC 14443-3, 7.9.2 */
        {0x09, 0x0c, {.name = "iso15693", .lengths = LENGTH(8), .is_iso15693 = true}},
        {0x11, 0x11, {.name = "felica", .lengths = LENGTH(8), .is_felica = true}},
};

/* Storage cards by name. */
static const struct {
        uint16_t nn; /* NN of PC/SC part 3 supplement */
        struct badge_kind kind;
} cards[] = {
        {0x0001, {.name = "mifare-classic-1k", .lengths = ISO14443A}},
        {0x0002, {.name = "mifare-classic-4k", .lengths = ISO14443A}},
        {0x0003, {.name = "mifare-ultralight", .lengths = LENGTH(7)}},
        {0x0026, {.name = "mifare-mini", .lengths = ISO14443A}},
        {0x0036, {.name = "mifare-plus", .lengths = ISO14443A}},
        {0x0037, {.name = "mifare-plus", .lengths = ISO14443A}},
        {0x0038, {.name = "mifare-plus", .lengths = ISO14443A}},
        {0x0039, {.name = "mifare-plus", .lengths = ISO14443A}},
        {0x003a, {.name = "mifare-ultralight-c", .lengths = LENGTH(7)}},
        {0x003b, {.name = "felica", .lengths = LENGTH(8), .is_felica = true}},
        {0x003d, {.name = "mifare-ultralight-ev1", .lengths = LENGTH(7)}},
};

static const struct badge_kind *storage_kind(uint8_t ss, uint16_t nn) {
        for (size_t i = 0; i < ELEMENTSOF(cards); i++)
                if (cards[i].nn == nn)
                        return &cards[i].kind;
        for (size_t i = 0; i < ELEMENTSOF(standards); i++)
                if (ss >= standards[i].first && ss <= standards[i].last)
                        return &standards[i].kind;
        return &unknown;
}

/* Contactless: 3B 8n 80 01 <n historical bytes> TCK. Storage cards: historical bytes 80 4F 0C <RID of the
 * PC/SC workgroup> SS NN NN 00 00 00 00. */
const struct badge_kind *badge_kind(const uint8_t *atr, size_t n) {
        static const uint8_t head[] = {0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06};
        struct bytes b = {atr, n}, history, part;
        if (n < 5 || atr[0] != 0x3b || (atr[1] & 0xf0U) != 0x80U || atr[2] != 0x80 || atr[3] != 0x01 ||
            n != 5U + (atr[1] & 0x0fU))
                return &contact;
        (void) bytes_take(&b, 4, &part);
        (void) bytes_take(&b, n - 5, &history);
        if (history.n == 1 && history.p[0] == 0x80)
                return &desfire; /* its ATS has this one historical byte */
        if (history.n != 15 || memcmp(history.p, head, sizeof(head)) != 0)
                return &iso14443_4;
        return storage_kind(history.p[8], (uint16_t) (history.p[9] << 8 | history.p[10]));
}

static bool is_all(const uint8_t *p, size_t n, uint8_t v) {
        for (size_t i = 0; i < n; i++)
                if (p[i] != v)
                        return false;
        return true;
}

/* ISO/IEC 14443-3, 6.5.4: a single-size number starting with 08 is drawn anew at each power-on. ISO/IEC
 * 18092, 11.2.2.1: so is a FeliCa number starting with 01 FE. */
static bool is_random(const struct badge_kind *kind, const uint8_t *p, size_t n) {
        return (n == 4 && p[0] == 0x08) || (kind->is_felica && p[0] == 0x01 && p[1] == 0xfe);
}

static int compare_reversed(const uint8_t *p, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (p[i] != p[n - 1 - i])
                        return p[i] < p[n - 1 - i] ? -1 : 1;
        return 0;
}

/* An ISO 15693 number begins with E0. When both ends are E0, the smaller order is taken, so that readers of
 * both habits still agree. */
static bool is_turned_round(const uint8_t *p, size_t n) {
        if (p[n - 1] != 0xe0)
                return false;
        return p[0] != 0xe0 || compare_reversed(p, n) > 0;
}

static void copy_reversed(uint8_t *to, const uint8_t *from, size_t n) {
        for (size_t i = 0; i < n; i++)
                to[i] = from[n - 1 - i];
}

enum device_reason badge_number(const struct badge_kind *kind, const uint8_t *answer, size_t n,
                                struct device_badge *ret) {
        if (n < 4 || n > DEVICE_NUMBER_MAX || !(kind->lengths & LENGTH(n)))
                return DEVICE_NO_NUMBER;
        if (is_all(answer, n, 0) || is_all(answer, n, 0xff))
                return DEVICE_NO_NUMBER;
        if (n == 4 && answer[0] == 0x88)
                return DEVICE_NO_NUMBER; /* cascade tag: the first part of a longer number, not unique */
        if (is_random(kind, answer, n))
                return DEVICE_RANDOM_NUMBER;
        struct device_badge badge = {.number_len = n};
        memcpy(badge.kind, kind->name, strlen(kind->name));
        if (kind->is_iso15693 && is_turned_round(answer, n))
                copy_reversed(badge.number, answer, n);
        else
                memcpy(badge.number, answer, n);
        if (kind->is_iso15693 && badge.number[0] != 0xe0)
                return DEVICE_NO_NUMBER;
        *ret = badge;
        return DEVICE_OK;
}

struct answer {
        uint8_t data[TOTAL_MAX];
        size_t n;
        uint16_t sw;
};

/* One exchange; its data is added to the answer. */
static enum device_reason exchange(badge_transmit transmit, void *context, const uint8_t apdu[5],
                                   struct answer *a) {
        uint8_t in[ANSWER_MAX];
        size_t n = 0;
        enum device_reason reason = transmit(context, apdu, 5, in, sizeof(in), &n);
        if (reason != DEVICE_OK)
                return reason;
        if (n == 0)
                return DEVICE_REMOVED; /* what a badge torn away looks like: success, and nothing */
        if (n < 2 || n > sizeof(in))
                return DEVICE_BAD_ANSWER;
        if (a->n + n - 2 > sizeof(a->data))
                return DEVICE_NO_NUMBER;
        memcpy(a->data + a->n, in, n - 2);
        a->n += n - 2;
        a->sw = (uint16_t) (in[n - 2] << 8 | in[n - 1]);
        return DEVICE_OK;
}

/* Get data, and what the card still holds back after 61xx (ISO/IEC 7816-4, 5.6), within bounds. */
static enum device_reason ask(badge_transmit transmit, void *context, struct answer *a) {
        static const uint8_t get_data[5] = {0xff, 0xca, 0x00, 0x00, 0x00};
        enum device_reason reason = exchange(transmit, context, get_data, a);
        for (unsigned i = 0; reason == DEVICE_OK && a->sw >> 8 == 0x61; i++) {
                const uint8_t get_response[5] = {0x00, 0xc0, 0x00, 0x00, (uint8_t) a->sw};
                if (i >= GET_RESPONSES_MAX)
                        return DEVICE_NO_NUMBER;
                reason = exchange(transmit, context, get_response, a);
        }
        if (reason == DEVICE_OK && a->sw != 0x9000)
                return DEVICE_NO_NUMBER;
        return reason;
}

enum device_reason badge_read(badge_transmit transmit, void *context, const uint8_t *atr, size_t atr_len,
                              struct device_badge *ret, int32_t *ret_detail) {
        struct answer first = {0}, second = {0};
        struct device_badge badge;
        enum device_reason reason = ask(transmit, context, &first);
        *ret_detail = first.sw == 0x9000 ? 0 : first.sw;
        if (reason == DEVICE_OK)
                reason = badge_number(badge_kind(atr, atr_len), first.data, first.n, &badge);
        if (reason == DEVICE_OK)
                reason = ask(transmit, context, &second);
        if (reason == DEVICE_OK && (first.n != second.n || memcmp(first.data, second.data, first.n) != 0))
                reason = DEVICE_BAD_ANSWER;
        if (reason == DEVICE_OK)
                *ret = badge;
        explicit_bzero(&first, sizeof(first));
        explicit_bzero(&second, sizeof(second));
        explicit_bzero(&badge, sizeof(badge));
        return reason;
}
