/* SPDX-License-Identifier: Apache-2.0 */
/* A FIDO2 authenticator in software: the core, without a dress. It takes CTAPHID reports and gives CTAPHID
 * reports (CTAP 2.1, section 11.2), keeps credentials, PIN and counter in a file, and misbehaves when told
 * to. It does no waiting of its own: whoever owns it feeds reports and the clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_REPORT_SIZE 64U

/* When somebody touches it. */
enum key_touch {
        KEY_TOUCH_NOW,
        KEY_TOUCH_DELAY,  /* touch_delay_ms after it began to wait */
        KEY_TOUCH_NEVER,  /* UPNEEDED keepalives until cancel or touch_timeout_ms */
        KEY_TOUCH_SIGNAL, /* when key_touch() is called */
};

enum key_attestation {
        KEY_ATTESTATION_SELF,  /* packed, signed by the credential's own key */
        KEY_ATTESTATION_BASIC, /* packed, signed by an attestation key, with its certificate */
        KEY_ATTESTATION_NONE,
};

/* What it does wrong. Each has its name for the command line. */
#define KEY_FAULTS(X)                                                                                       \
        X(NONE, "none")                                                                                     \
        X(WRONG_SIGNATURE, "wrong-signature")         /* well-formed, does not verify */                    \
        X(WRONG_CREDENTIAL_ID, "wrong-credential-id") /* assertion names an id that nobody has */           \
        X(UV_CLEAR, "uv-clear")                       /* UV missing in what is signed, though verified */   \
        X(UP_CLEAR, "up-clear")                       /* UP likewise */                                     \
        X(COUNTER_BACK, "counter-back") /* assertions always say 1, the count of the first credential */    \
        X(COUNTER_ZERO, "counter-zero") /* assertions always say 0 */                                       \
        X(TRUNCATED_CBOR, "truncated-cbor") /* credentials and assertions end half-way */                   \
        X(EXTRA_CBOR, "extra-cbor")         /* bytes after the end of them */                               \
        X(GARBAGE_CBOR, "garbage-cbor")     /* random bytes instead of them */                              \
        X(SILENT, "silent")                 /* answers INIT and getInfo, then nothing */                    \
        X(SILENT_INFO, "silent-info")       /* answers INIT, then nothing */                                \
        X(SILENT_OPEN, "silent-open")       /* answers nothing */                                           \
        X(WRONG_RP, "wrong-rp")             /* signs for another relying party */                           \
        X(OTHER_KEY, "other-key")           /* names the right credential, signs with another one's key */  \
        X(OTHER_CREDENTIAL, "other-credential") /* a good assertion of a credential not asked for */        \
        X(SLOW, "slow")             /* slow:MS, each answer that late, with PROCESSING keepalives */        \
        X(U2F_ONLY, "u2f-only")     /* says in INIT that it knows no CBOR */                                \
        X(INFO_FAILS, "info-fails") /* says that it knows CBOR, but getInfo fails */                        \
        X(STUCK_KEEPALIVE, "stuck-keepalive") /* keepalives without end, deaf to CANCEL */

enum key_fault {
#define X(id, name) KEY_FAULT_##id,
        KEY_FAULTS(X)
#undef X
                KEY_FAULT_MAX,
        KEY_FAULT_INVALID = -1,
};

struct key_config {
        const char *state_path;  /* NULL: kept in memory only */
        const char *initial_pin; /* set when the state is new; NULL for none */
        enum key_attestation attestation;
        const char *attest_cert, *attest_key; /* files in DER, borrowed; NULL: made at first start */
        bool uv_able, uv_enrolled;            /* has a fingerprint sensor; has a finger */
        bool finger_wrong;                    /* whoever touches is not who was enrolled */
        enum key_touch touch;
        uint32_t touch_delay_ms;
        uint32_t touch_timeout_ms; /* 0 for the 30 s of the standard */
        uint8_t timeout_error;     /* CTAP status after it; 0 for what the standard says */
        bool protocol1, protocol2; /* PIN/UV auth protocols; neither means both */
        enum key_fault fault;
        uint32_t slow_ms;
        bool release_on_close; /* a client that goes away ends its command; a real key knows nothing of it */
        /* Borrowed with userdata; each may be NULL. */
        void (*on_touch_wanted)(void *userdata);
        void (*on_command)(void *userdata, const char *line);
        void *userdata;
};

struct key;

/* A key that was just plugged in. The configuration is copied, its strings are borrowed for as long as the
 * key lives. -EBADMSG when the state file is not one, -EINVAL when the initial PIN has fewer than 4
 * characters or more than 63 bytes, or the errno of reading and writing the file. */
int key_new(const struct key_config *config, uint64_t now_ms, struct key **ret);
struct key *key_free(struct key *k);

/* One report from the client. What it answers waits for key_take(). */
void key_feed(struct key *k, uint64_t now_ms, const uint8_t report[KEY_REPORT_SIZE]);
/* The next report for the client, or false. */
bool key_take(struct key *k, uint8_t ret[KEY_REPORT_SIZE]);
/* Time has passed. */
void key_tick(struct key *k, uint64_t now_ms);
/* When key_tick() has something to do, UINT64_MAX for never. */
uint64_t key_deadline_ms(const struct key *k);
/* Somebody touches it. Does nothing when it does not wait for that. */
void key_touch(struct key *k, uint64_t now_ms);
/* The client closed the device. */
void key_closed(struct key *k);

const char *key_fault_name(enum key_fault fault);
/* Takes "slow:MS" too. KEY_FAULT_INVALID for a name that none has. */
enum key_fault key_fault_from_text(const char *text, uint32_t *ret_slow_ms);
