/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the core share: the status codes of CTAP 2.1 section 8.2, what is kept in the file, what
 * is kept while plugged, and the one command in progress. */
#pragma once

#include "common/bytes.h"
#include "common/util.h"
#include "tests/virtual/key.h"

#include <openssl/evp.h>

#define KEY_MESSAGE_MAX 7609U /* 64 - 7 + 128 * (64 - 5): what sequence numbers allow */
#define KEY_REPORTS_MAX 512U
#define KEY_CHANNELS_MAX 16U
#define KEY_ID_SIZE 32U
#define KEY_LIST_MAX 16U
#define KEY_CREDENTIALS_MAX 1024U
#define KEY_DER_MAX 256U
#define KEY_CERTIFICATE_MAX 1024U
#define KEY_PIN_TRIES 8U
#define KEY_UV_TRIES 3U
#define KEY_MIN_PIN 4U

enum ctap_status {
        CTAP_OK = 0x00,
        CTAP_INVALID_COMMAND = 0x01,
        CTAP_INVALID_PARAMETER = 0x02,
        CTAP_INVALID_LENGTH = 0x03,
        CTAP_INVALID_SEQ = 0x04,
        CTAP_TIMEOUT = 0x05,
        CTAP_CHANNEL_BUSY = 0x06,
        CTAP_INVALID_CHANNEL = 0x0b,
        CTAP_CBOR_UNEXPECTED_TYPE = 0x11,
        CTAP_INVALID_CBOR = 0x12,
        CTAP_MISSING_PARAMETER = 0x14,
        CTAP_LIMIT_EXCEEDED = 0x15,
        CTAP_CREDENTIAL_EXCLUDED = 0x19,
        CTAP_UNSUPPORTED_ALGORITHM = 0x26,
        CTAP_OPERATION_DENIED = 0x27,
        CTAP_KEY_STORE_FULL = 0x28,
        CTAP_UNSUPPORTED_OPTION = 0x2b,
        CTAP_INVALID_OPTION = 0x2c,
        CTAP_KEEPALIVE_CANCEL = 0x2d,
        CTAP_NO_CREDENTIALS = 0x2e,
        CTAP_USER_ACTION_TIMEOUT = 0x2f,
        CTAP_NOT_ALLOWED = 0x30,
        CTAP_PIN_INVALID = 0x31,
        CTAP_PIN_BLOCKED = 0x32,
        CTAP_PIN_AUTH_INVALID = 0x33,
        CTAP_PIN_AUTH_BLOCKED = 0x34,
        CTAP_PIN_NOT_SET = 0x35,
        CTAP_PUAT_REQUIRED = 0x36,
        CTAP_PIN_POLICY_VIOLATION = 0x37,
        CTAP_UV_BLOCKED = 0x3c,
        CTAP_UV_INVALID = 0x3f,
        CTAP_UNAUTHORIZED_PERMISSION = 0x40,
        CTAP_OTHER = 0x7f,
};

enum {
        COSE_ALG_ES256 = -7,
        COSE_ALG_EDDSA = -8,
        COSE_ALG_ECDH = -25,
};

enum {
        AUTHDATA_UP = 0x01,
        AUTHDATA_UV = 0x04,
        AUTHDATA_AT = 0x40,
        AUTHDATA_ED = 0x80,
};

enum {
        PERMISSION_MC = 0x01,
        PERMISSION_GA = 0x02,
};

extern const uint8_t key_aaguid[16];

/* A private key in DER: ECPrivateKey for P-256, PKCS #8 for Ed25519. */
struct key_pair {
        uint8_t der[KEY_DER_MAX];
        size_t n;
};

struct key_credential {
        uint8_t id[KEY_ID_SIZE];
        uint8_t rp_hash[32];
        int alg;
        uint8_t protection; /* credProtect, 1 to 3 */
        bool resident;
        uint8_t user_id[64];
        size_t user_id_n;
        struct key_pair pair;
};

/* What survives being unplugged. */
struct key_state {
        const char *path;
        bool pin_set;
        uint8_t pin_hash[16]; /* LEFT(SHA-256(PIN), 16) */
        uint8_t pin_tries, uv_tries;
        uint32_t counter;
        struct key_pair attestation_key; /* n is 0 until it is needed */
        uint8_t certificate[KEY_CERTIFICATE_MAX];
        size_t certificate_n;
        struct key_credential *credentials; /* owned */
        size_t n;
};

/* Framing. */
struct key_hid {
        uint32_t channels[KEY_CHANNELS_MAX]; /* allocated ones, the oldest is given up first */
        size_t next_channel;
        uint32_t cid; /* of the message that comes in or is worked on */
        uint8_t command, sequence;
        bool receiving;
        uint64_t receive_until_ms;
        uint8_t message[KEY_MESSAGE_MAX];
        size_t total, got;
        uint8_t out[KEY_REPORTS_MAX][KEY_REPORT_SIZE];
        size_t out_first, out_n;
};

/* PIN/UV auth, gone when unplugged. */
struct key_pin {
        uint8_t wrong_in_a_row;
        struct key_pair agreement; /* n is 0 until it is needed */
        uint8_t token[32];
        unsigned token_protocol; /* 0: no token */
        uint8_t token_permissions;
        bool token_present; /* the touch that made it counts as presence once */
        char token_rp[254]; /* "" until it is bound */
};

/* makeCredential or getAssertion, as asked for. */
struct key_request {
        char rp_id[254];
        uint8_t client_data_hash[32];
        bool up, uv, rk;
        bool rk_given;
        bool auth_given;
        uint8_t auth[32];
        size_t auth_n;
        uint64_t protocol; /* 0: not given */
        uint8_t user_id[64];
        size_t user_id_n;
        int alg; /* 0: none that it knows */
        uint8_t protection;
        bool list_given;
        uint8_t list[KEY_LIST_MAX][KEY_ID_SIZE]; /* those that could be its own */
        size_t n_list;
        bool present, verified; /* found out on the way */
};

enum key_wait {
        KEY_WAIT_NONE,
        KEY_WAIT_TOUCH,
        KEY_WAIT_SLOW,  /* the answer is made and kept back */
        KEY_WAIT_STUCK, /* for ever */
};

typedef void key_step(struct key *k);

/* The token that somebody asks for. */
struct key_grant {
        uint64_t protocol;
        uint8_t permissions;
        char rp_id[254];  /* "" for none */
        uint8_t peer[64]; /* the platform's key agreement key, x and y */
};

/* The command in progress. */
struct key_op {
        bool busy;
        enum key_wait wait;
        key_step *touched; /* goes on when somebody touched it */
        uint8_t timeout_error;
        uint64_t until_ms, touch_ms, keepalive_ms;
        uint8_t command;
        struct key_request request;
        struct key_grant grant; /* clientPIN by built-in verification */
        uint8_t answer[KEY_MESSAGE_MAX];
        size_t answer_n;
};

/* getNextAssertion: what remains. */
struct key_next {
        struct key_request request;
        size_t credentials[KEY_LIST_MAX]; /* indexes in the state */
        size_t n, at;
        uint64_t until_ms;
};

struct key {
        struct key_config config;
        struct key_state state;
        struct key_hid hid;
        struct key_pin pin;
        struct key_op op;
        struct key_next next;
        uint64_t now_ms, plugged_ms;
};

/* key_ctaphid.c */
void hid_send(struct key *k, uint32_t cid, uint8_t command, const uint8_t *p, size_t n);
void hid_answer_cbor(struct key *k); /* sends op.answer and ends the command */
void hid_keepalive(struct key *k, uint8_t status);
void hid_tick(struct key *k); /* gives up a message that does not go on */
void key_note(struct key *k, const char *name, const char *sub);

/* key_op.c: the life of a command */
void op_begin(struct key *k, struct bytes request);
void op_fail(struct key *k, enum ctap_status status);
/* Status and CBOR, with what the fault does to them. */
void op_done(struct key *k, const struct writer *body);
/* Waits for a touch, then goes on with the step. timeout_error is what the standard says of none. */
void op_touch(struct key *k, uint8_t timeout_error, key_step *touched);
void op_cancel(struct key *k);

/* key_ctap2.c, key_make.c, key_assert.c, key_pin.c: one function a command */
void ctap2_command(struct key *k, uint8_t command, struct bytes parameters);
void ctap2_make_credential(struct key *k, struct bytes parameters);
void ctap2_get_assertion(struct key *k, struct bytes parameters);
void ctap2_get_next_assertion(struct key *k);
void ctap2_client_pin(struct key *k, struct bytes parameters);

/* key_request.c */
enum ctap_status request_read(struct bytes parameters, bool make, struct key_request *ret);
/* The PIN/UV auth parameter and the options of a request: is it allowed, and is built-in verification asked
 * for? CTAP_OK, and request.verified is set when the token was good. */
enum ctap_status request_authorize(struct key *k, struct key_request *q, uint8_t permission);
/* An empty PIN/UV auth parameter asks for a touch only (6.1.2, step 1). */
bool request_is_selection(const struct key_request *q);
void selection_touched(struct key *k);
/* Does the list of the request name it? */
bool request_lists(const struct key_request *q, const struct key_credential *c);

/* Built-in verification once somebody has touched the sensor. */
enum ctap_status uv_check(struct key *k);

/* key_make.c. Authenticator data (WebAuthn 6.1); attested is the new credential or NULL. */
void authdata_write(struct key *k, struct writer *w, const struct key_request *q, uint32_t counter,
                    const struct key_credential *attested);
/* Signs authenticator data and client data hash. alg is the pair's. */
bool sign_over(struct key *k, struct bytes authdata, const struct key_request *q,
               const struct key_pair *pair, int alg, uint8_t *ret, size_t *ret_n);

/* key_cbor.c: canonical CBOR out, strict CBOR in (definite lengths, at most 4 levels, nothing left over) */
struct cbor_item_t;
void put_map(struct writer *w, size_t n);
void put_array(struct writer *w, size_t n);
void put_int(struct writer *w, int64_t v);
void put_bytes(struct writer *w, const void *p, size_t n);
void put_text(struct writer *w, const char *s);
void put_bool(struct writer *w, bool v);
enum ctap_status item_load(struct bytes b, struct cbor_item_t **ret);
void item_freep(struct cbor_item_t **item);
/* NULL when map is not a map or has no such key. */
struct cbor_item_t *item_at(struct cbor_item_t *map, int64_t key);
struct cbor_item_t *item_named(struct cbor_item_t *map, const char *key);
/* Each is false when the item is NULL or of another type (or too long). */
bool item_is_map(struct cbor_item_t *item);
bool item_is_array(struct cbor_item_t *item, size_t *ret_n);
struct cbor_item_t *item_nth(struct cbor_item_t *array, size_t i); /* borrowed */
bool item_int(struct cbor_item_t *item, int64_t *ret);
bool item_bool(struct cbor_item_t *item, bool *ret);
bool item_bytes(struct cbor_item_t *item, struct bytes *ret); /* borrowed from the item */
bool item_text(struct cbor_item_t *item, char *buf, size_t size);

/* key_crypto.c. False or NULL only when libcrypto fails or, for what comes from outside, it is no key. */
void crypto_random(void *p, size_t n);
void crypto_sha256(const void *p, size_t n, uint8_t ret[32]);
void crypto_hmac(const uint8_t *key, size_t key_n, const void *p, size_t n, uint8_t ret[32]);
bool crypto_generate(int alg, struct key_pair *ret);
bool crypto_sign(const struct key_pair *pair, int alg, const void *p, size_t n, uint8_t *ret, size_t *ret_n);
/* 64 bytes (x, y) of P-256, 32 of Ed25519. */
bool crypto_public(const struct key_pair *pair, int alg, uint8_t ret[64]);
/* The x coordinate of what both share. */
bool crypto_ecdh(const struct key_pair *pair, const uint8_t peer[64], uint8_t ret[32]);
bool crypto_aes_cbc(bool encrypt, const uint8_t key[32], const uint8_t iv[16], struct bytes in,
                    uint8_t *ret);
bool crypto_hkdf(const uint8_t secret[32], const char *info, uint8_t ret[32]);
/* The leaf certificate of WebAuthn 8.2.1, signed by its own key. */
bool crypto_certificate(const struct key_pair *pair, const uint8_t aaguid[16], uint8_t *ret, size_t *ret_n);
/* A COSE_Key of the pair's public half. */
void put_cose(struct writer *w, const uint8_t public_key[64], int alg);

/* key_state.c. A key that cannot keep its state stops working: a failed save ends in CTAP_OTHER. */
int state_load(const char *path, struct key_state *ret);
int state_save(const struct key_state *s);
int state_add(struct key_state *s, const struct key_credential *c);
void state_reset(struct key_state *s);
void state_clear(struct key_state *s);
/* LEFT(SHA-256(PIN), 16); -EINVAL for a PIN out of its limits. */
int state_set_pin(struct key_state *s, const char *pin);

/* key_pin.c: a token's say on a request: is param right over the hash? */
bool pin_token_verifies(const struct key_pin *pin, uint64_t protocol, const uint8_t *message, size_t n,
                        struct bytes param);
void pin_reset(struct key_pin *pin);
