/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR over libcbor: canonical on the way out (CTAP 2.1, section 8), strict on the way in. What comes in is
 * walked once before libcbor sees it, so that a length from outside never becomes an allocation. */
#include "tests/virtual/key_core.h"

#include <cbor.h>

#define LEVELS_MAX 4U

static void put_head(struct writer *w, const unsigned char *head, size_t n) {
        writer_bytes(w, head, n);
}

void put_map(struct writer *w, size_t n) {
        unsigned char head[9];
        put_head(w, head, cbor_encode_map_start(n, head, sizeof(head)));
}

void put_array(struct writer *w, size_t n) {
        unsigned char head[9];
        put_head(w, head, cbor_encode_array_start(n, head, sizeof(head)));
}

void put_int(struct writer *w, int64_t v) {
        unsigned char head[9];
        put_head(w, head,
                 v >= 0 ? cbor_encode_uint((uint64_t) v, head, sizeof(head))
                        : cbor_encode_negint((uint64_t) (-1 - v), head, sizeof(head)));
}

void put_bytes(struct writer *w, const void *p, size_t n) {
        unsigned char head[9];
        put_head(w, head, cbor_encode_bytestring_start(n, head, sizeof(head)));
        writer_bytes(w, p, n);
}

void put_text(struct writer *w, const char *s) {
        unsigned char head[9];
        put_head(w, head, cbor_encode_string_start(strlen(s), head, sizeof(head)));
        writer_bytes(w, s, strlen(s));
}

void put_bool(struct writer *w, bool v) {
        unsigned char head[1];
        put_head(w, head, cbor_encode_bool(v, head, sizeof(head)));
}

static bool take_argument(struct bytes *b, uint8_t info, uint64_t *ret) {
        uint8_t v1;
        uint16_t v2;
        uint32_t v4;
        if (info < 24)
                *ret = info;
        else if (info == 24 && bytes_take_u8(b, &v1) == 0)
                *ret = v1;
        else if (info == 25 && bytes_take_u16(b, &v2) == 0)
                *ret = v2;
        else if (info == 26 && bytes_take_u32(b, &v4) == 0)
                *ret = v4;
        else if (info != 27 || bytes_take_u64(b, ret) < 0)
                return false;
        return true;
}

static bool well_formed(struct bytes *b, unsigned level) {
        uint8_t head;
        uint64_t v = 0;
        struct bytes skipped;
        if (bytes_take_u8(b, &head) < 0 || !take_argument(b, head & 31, &v))
                return false;
        switch (head >> 5) {
        case 0:
        case 1:
                return v <= INT64_MAX;
        case 2:
        case 3:
                return v <= b->n && bytes_take(b, (size_t) v, &skipped) == 0;
        case 4:
        case 5:
                if (level == LEVELS_MAX || v > b->n)
                        return false;
                for (uint64_t left = head >> 5 == 4 ? v : 2 * v; left > 0; left--)
                        if (!well_formed(b, level + 1))
                                return false;
                return true;
        case 7:
                return head == 0xf4 || head == 0xf5;
        default:
                return false;
        }
}

enum ctap_status item_load(struct bytes b, struct cbor_item_t **ret) {
        struct bytes rest = b;
        if (!well_formed(&rest, 0))
                return CTAP_INVALID_CBOR;
        if (rest.n > 0)
                return CTAP_INVALID_LENGTH;
        struct cbor_load_result result;
        cbor_item_t *item = cbor_load(b.p, b.n, &result);
        if (!item)
                return CTAP_INVALID_CBOR;
        *ret = item;
        return CTAP_OK;
}

void item_freep(struct cbor_item_t **item) {
        if (*item)
                cbor_decref(item);
}

struct cbor_item_t *item_at(struct cbor_item_t *map, int64_t key) {
        int64_t v;
        if (!item_is_map(map))
                return NULL;
        for (size_t i = 0; i < cbor_map_size(map); i++)
                if (item_int(cbor_map_handle(map)[i].key, &v) && v == key)
                        return cbor_map_handle(map)[i].value;
        return NULL;
}

struct cbor_item_t *item_named(struct cbor_item_t *map, const char *key) {
        char name[32];
        if (!item_is_map(map))
                return NULL;
        for (size_t i = 0; i < cbor_map_size(map); i++)
                if (item_text(cbor_map_handle(map)[i].key, name, sizeof(name)) && strcmp(name, key) == 0)
                        return cbor_map_handle(map)[i].value;
        return NULL;
}

bool item_is_map(struct cbor_item_t *item) {
        return item && cbor_isa_map(item);
}

bool item_is_array(struct cbor_item_t *item, size_t *ret_n) {
        if (!item || !cbor_isa_array(item))
                return false;
        *ret_n = cbor_array_size(item);
        return true;
}

struct cbor_item_t *item_nth(struct cbor_item_t *array, size_t i) {
        return cbor_array_handle(array)[i];
}

bool item_int(struct cbor_item_t *item, int64_t *ret) {
        if (!item || !cbor_is_int(item))
                return false;
        int64_t v = (int64_t) cbor_get_int(item);
        *ret = cbor_isa_uint(item) ? v : -1 - v;
        return true;
}

bool item_bool(struct cbor_item_t *item, bool *ret) {
        if (!item || !cbor_is_bool(item))
                return false;
        *ret = cbor_ctrl_value(item) == CBOR_CTRL_TRUE;
        return true;
}

bool item_bytes(struct cbor_item_t *item, struct bytes *ret) {
        if (!item || !cbor_isa_bytestring(item))
                return false;
        *ret = (struct bytes){cbor_bytestring_handle(item), cbor_bytestring_length(item)};
        return true;
}

bool item_text(struct cbor_item_t *item, char *buf, size_t size) {
        if (!item || !cbor_isa_string(item) || cbor_string_length(item) >= size)
                return false;
        size_t n = cbor_string_length(item);
        if (n > 0)
                memcpy(buf, cbor_string_handle(item), n);
        buf[n] = '\0';
        return strlen(buf) == n;
}
