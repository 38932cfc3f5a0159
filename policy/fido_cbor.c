/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR that a key sent. Lengths and depth are checked over the bytes first, so that libcbor never allocates
 * for more than is really there; then libcbor reads the values. */
#include "policy/fido_internal.h"

#include <errno.h>

#include <cbor.h>

#define DEPTH_MAX 4U

/* --- Well-formed (RFC 8949, 3) */

static int take_head(struct bytes *b, uint8_t *ret_major, uint64_t *ret_value) {
        uint8_t first, v8 = 0;
        uint16_t v16 = 0;
        uint32_t v32 = 0;
        uint64_t v = 0;
        int r = bytes_take_u8(b, &first);
        if (r < 0)
                return r;
        uint8_t info = first & 0x1f;
        switch (info) {
        case 24:
                r = bytes_take_u8(b, &v8);
                v = v8;
                break;
        case 25:
                r = bytes_take_u16(b, &v16);
                v = v16;
                break;
        case 26:
                r = bytes_take_u32(b, &v32);
                v = v32;
                break;
        case 27:
                r = bytes_take_u64(b, &v);
                break;
        default:
                v = info;
                r = info < 24 ? 0 : -EBADMSG; /* 28 to 30 are nothing; 31 has no length */
        }
        if (r == 0) {
                *ret_major = first >> 5;
                *ret_value = v;
        }
        /* RFC 8949, 3.3: a simple value below 32 in two bytes is not well-formed. */
        return r == 0 && first == 0xf8 && v < 32 ? -EBADMSG : r;
}

/* Nothing is shorter than one byte: a count beyond what is left cannot be true. */
static int skip_item(struct bytes *b, unsigned depth) {
        struct bytes ignored;
        uint8_t major = 0;
        uint64_t v = 0;
        int r = take_head(b, &major, &v);
        if (r < 0)
                return r;
        switch (major) {
        case 0:
        case 1:
        case 7:
                return 0;
        case 2:
        case 3:
                return v > b->n ? -EBADMSG : bytes_take(b, (size_t) v, &ignored);
        case 4:
        case 5:
                if (depth >= DEPTH_MAX || v > b->n)
                        return -EBADMSG;
                for (uint64_t i = 0; r == 0 && i < v * (major == 5 ? 2 : 1); i++)
                        r = skip_item(b, depth + 1);
                return r;
        default:
                return -EBADMSG; /* a tag */
        }
}

int fido_cbor_take(struct bytes *b, struct bytes *ret) {
        struct bytes rest = *b;
        int r = skip_item(&rest, 0);
        if (r < 0)
                return r;
        *ret = (struct bytes){b->p, b->n - rest.n};
        *b = rest;
        return 0;
}

/* --- Values */

static void item_freep(cbor_item_t **item) {
        if (*item)
                cbor_decref(item);
}

static bool is_int(const cbor_item_t *item) {
        return cbor_isa_uint(item) || cbor_isa_negint(item);
}

static bool is_same_key(const cbor_item_t *a, const cbor_item_t *b) {
        if (cbor_typeof(a) != cbor_typeof(b))
                return false;
        if (is_int(a))
                return cbor_get_int(a) == cbor_get_int(b);
        return cbor_string_length(a) == cbor_string_length(b) &&
               memcmp(cbor_string_handle(a), cbor_string_handle(b), cbor_string_length(a)) == 0;
}

static bool has_clean_maps(const cbor_item_t *item) {
        if (cbor_isa_array(item)) {
                cbor_item_t **items = cbor_array_handle(item);
                for (size_t i = 0; i < cbor_array_size(item); i++)
                        if (!has_clean_maps(items[i]))
                                return false;
                return true;
        }
        if (!cbor_isa_map(item))
                return true;
        const struct cbor_pair *pairs = cbor_map_handle(item);
        for (size_t i = 0; i < cbor_map_size(item); i++) {
                if (!is_int(pairs[i].key) && !cbor_isa_string(pairs[i].key))
                        return false;
                for (size_t j = 0; j < i; j++)
                        if (is_same_key(pairs[i].key, pairs[j].key))
                                return false;
                if (!has_clean_maps(pairs[i].value))
                        return false;
        }
        return true;
}

/* Exactly one map, of at most 64 pairs at the top. */
static int load_map(struct bytes b, cbor_item_t **ret) {
        struct bytes rest = b, whole;
        struct cbor_load_result result;
        int r = fido_cbor_take(&rest, &whole);
        if (r == 0)
                r = bytes_end(&rest);
        if (r < 0)
                return r;
        _cleanup_(item_freep) cbor_item_t *item = cbor_load(b.p, b.n, &result);
        if (!item || result.read != b.n || !cbor_isa_map(item) || cbor_map_size(item) > 64 ||
            !has_clean_maps(item))
                return -EBADMSG;
        *ret = TAKE_PTR(item);
        return 0;
}

int fido_cbor_check_map(struct bytes b) {
        _cleanup_(item_freep) cbor_item_t *map = NULL;
        return load_map(b, &map);
}

/* -2^31 to 2^31 - 1 */
static int get_int(const cbor_item_t *item, int *ret) {
        if (!is_int(item) || cbor_get_int(item) > INT32_MAX)
                return -EBADMSG;
        int v = (int) cbor_get_int(item);
        *ret = cbor_isa_negint(item) ? -1 - v : v;
        return 0;
}

static struct bytes get_bytes(const cbor_item_t *item) {
        if (!cbor_isa_bytestring(item))
                return (struct bytes){0};
        return (struct bytes){cbor_bytestring_handle(item), cbor_bytestring_length(item)};
}

/* --- COSE_Key (RFC 9053, 7) */

/* The labels that a public key may have. */
struct cose_map {
        int kty, alg, crv;       /* 1, 3, -1 */
        struct bytes n, x, y, e; /* RSA: -1 and -2; else -2 and -3 */
        bool has_alg;
};

static int read_label(struct cose_map *m, int label, const cbor_item_t *value) {
        switch (label) {
        case 1:
                return get_int(value, &m->kty);
        case 3:
                m->has_alg = true;
                return get_int(value, &m->alg);
        case -1:
                m->n = get_bytes(value);
                return m->n.p ? 0 : get_int(value, &m->crv);
        case -2:
                m->x = m->e = get_bytes(value);
                return m->x.p ? 0 : -EBADMSG;
        case -3:
                m->y = get_bytes(value);
                return m->y.p ? 0 : -EBADMSG;
        default:
                return -EBADMSG;
        }
}

static int read_ec(const struct cose_map *m, struct cose_key *ret) {
        if (m->kty != 2 || m->n.p || m->x.n != 32 || m->y.n != 32)
                return -EBADMSG;
        memcpy(ret->x, m->x.p, 32);
        memcpy(ret->y, m->y.p, 32);
        return m->crv == 1 ? 0 : -ENOTSUP;
}

static int read_okp(const struct cose_map *m, struct cose_key *ret) {
        if (m->kty != 1 || m->n.p || m->x.n != 32 || m->y.p)
                return -EBADMSG;
        memcpy(ret->x, m->x.p, 32);
        return m->crv == 6 ? 0 : -ENOTSUP;
}

static int read_rsa(const struct cose_map *m, struct cose_key *ret) {
        static const uint8_t f4[] = {1, 0, 1};
        struct bytes n = m->n, e = m->e;
        if (m->kty != 3 || !n.p || m->y.p)
                return -EBADMSG;
        for (; n.n > 0 && n.p[0] == 0; n.n--)
                n.p++;
        for (; e.n > 0 && e.p[0] == 0; e.n--)
                e.p++;
        if (n.n < 256 || n.n > sizeof(ret->n) || (n.n == 256 && n.p[0] < 0x80) || e.n != sizeof(f4) ||
            memcmp(e.p, f4, sizeof(f4)) != 0)
                return -ENOTSUP; /* less than 2048 bits, more than 4096, or an exponent no key uses */
        memcpy(ret->n, n.p, n.n);
        ret->n_len = n.n;
        return 0;
}

int cose_key_read(struct bytes b, struct cose_key *ret) {
        _cleanup_(item_freep) cbor_item_t *map = NULL;
        struct cose_map m = {0};
        int r = load_map(b, &map);
        if (r < 0)
                return r;
        const struct cbor_pair *pairs = cbor_map_handle(map);
        for (size_t i = 0; i < cbor_map_size(map); i++) {
                int label;
                r = get_int(pairs[i].key, &label);
                if (r == 0)
                        r = read_label(&m, label, pairs[i].value);
                if (r < 0)
                        return r;
        }
        if (!m.has_alg)
                return -EBADMSG;
        struct cose_key key = {.alg = m.alg};
        r = m.alg == COSE_ES256   ? read_ec(&m, &key)
            : m.alg == COSE_EDDSA ? read_okp(&m, &key)
            : m.alg == COSE_RS256 ? read_rsa(&m, &key)
                                  : -ENOTSUP;
        if (r == 0)
                *ret = key;
        return r;
}

/* --- Attestation statement "packed" (WebAuthn Level 2, 8.2) */

static int read_chain(const cbor_item_t *value, struct packed_statement *st) {
        if (!cbor_isa_array(value) || cbor_array_size(value) == 0 || cbor_array_size(value) > FIDO_CHAIN_MAX)
                return -EBADMSG;
        cbor_item_t **items = cbor_array_handle(value);
        for (size_t i = 0; i < cbor_array_size(value); i++) {
                struct bytes der = get_bytes(items[i]);
                if (der.n == 0 || der.n > sizeof(st->leaf))
                        return -EBADMSG;
                if (i > 0)
                        continue;
                memcpy(st->leaf, der.p, der.n);
                st->leaf_len = der.n;
        }
        st->has_chain = true;
        return 0;
}

static bool is_text(const cbor_item_t *item, const char *s) {
        return cbor_isa_string(item) && cbor_string_length(item) == strlen(s) &&
               memcmp(cbor_string_handle(item), s, strlen(s)) == 0;
}

static int read_statement_pair(const struct cbor_pair *pair, struct packed_statement *st, bool *ret_alg) {
        if (is_text(pair->key, "alg")) {
                *ret_alg = true;
                return get_int(pair->value, &st->alg);
        }
        if (is_text(pair->key, "x5c"))
                return read_chain(pair->value, st);
        if (!is_text(pair->key, "sig"))
                return -EBADMSG;
        struct bytes sig = get_bytes(pair->value);
        if (sig.n == 0 || sig.n > sizeof(st->sig))
                return -EBADMSG;
        memcpy(st->sig, sig.p, sig.n);
        st->sig_len = sig.n;
        return 0;
}

int packed_statement_chain(struct bytes b, int (*each)(void *userdata, struct bytes der), void *userdata) {
        _cleanup_(item_freep) cbor_item_t *map = NULL;
        struct packed_statement ignored;
        int r = packed_statement_read(b, &ignored);
        if (r < 0 || (r = load_map(b, &map)) < 0)
                return r;
        const struct cbor_pair *pairs = cbor_map_handle(map);
        for (size_t i = 0; i < cbor_map_size(map); i++) {
                if (!is_text(pairs[i].key, "x5c"))
                        continue;
                cbor_item_t **items = cbor_array_handle(pairs[i].value);
                for (size_t k = 0; r == 0 && k < cbor_array_size(pairs[i].value); k++)
                        r = each(userdata, get_bytes(items[k]));
        }
        return r;
}

int packed_statement_read(struct bytes b, struct packed_statement *ret) {
        _cleanup_(item_freep) cbor_item_t *map = NULL;
        struct packed_statement st = {0};
        bool has_alg = false;
        int r = load_map(b, &map);
        if (r < 0)
                return r;
        const struct cbor_pair *pairs = cbor_map_handle(map);
        for (size_t i = 0; i < cbor_map_size(map); i++) {
                r = read_statement_pair(&pairs[i], &st, &has_alg);
                if (r < 0)
                        return r;
        }
        if (!has_alg || st.sig_len == 0)
                return -EBADMSG;
        *ret = st;
        return 0;
}
