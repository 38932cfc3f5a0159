/* SPDX-License-Identifier: Apache-2.0 */
/* Asks wardtap-device for one operation on a card or a key. Each operation is one connection to
 * PATH_DEVICE_SOCKET and one process on the other side; freeing it hangs up, which cancels the operation
 * (CTAPHID_CANCEL, card released) within 1 s. Nothing here believes a device: answers are raw, and whoever
 * asked verifies them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util.h"

#define DEVICE_READER_MAX 128U
#define DEVICE_ATR_MAX 33U /* ISO 7816-3, 8.2.1: TS and 32 bytes at most */
#define DEVICE_NUMBER_MAX 10U
#define DEVICE_READERS_MAX 16U         /* PC/SC keeps 16 readers (PCSCLITE_MAX_READERS_CONTEXTS) */
#define DEVICE_RP_ID_MAX 253U          /* a host name */
#define DEVICE_CREDENTIAL_ID_MAX 1023U /* CTAP 2.1, 6.1.2: maxCredentialIdLength in practice */
#define DEVICE_ALLOW_MAX 8U            /* keys of one person */
#define DEVICE_AUTHDATA_MAX 2048U
#define DEVICE_SIGNATURE_MAX 1024U
#define DEVICE_ATTSTMT_MAX 4096U /* attestation statement, CBOR */
#define DEVICE_PIN_MAX 63U       /* bytes of UTF-8 (CTAP 2.1, 6.5.1) */
#define DEVICE_KEY_ID_SIZE 33U   /* 32 hexadecimal digits */
#define DEVICE_PRODUCT_SIZE 65U
#define DEVICE_KEYS_MAX 16U /* that the key watch tells of at a time */

/* What went wrong, in the words of devices. Callers map it to what people read. */
enum device_reason {
        DEVICE_OK,
        DEVICE_GONE,          /* wardtap-device hung up without an answer */
        DEVICE_BAD_ANSWER,    /* the card or key answered what the standard does not allow */
        DEVICE_NO_PCSC,       /* pcscd does not answer */
        DEVICE_NO_READER,     /* no reader of that name */
        DEVICE_NO_CARD,       /* no card in it */
        DEVICE_REMOVED,       /* card or key taken away */
        DEVICE_BUSY,          /* another program holds it */
        DEVICE_RANDOM_NUMBER, /* badge shows another number at each tap */
        DEVICE_NO_NUMBER,     /* card answers, but not with 4 to 10 bytes */
        DEVICE_NO_KEY,        /* no FIDO2 key plugged in before the deadline */
        DEVICE_NOT_FIDO2,     /* a U2F-only key, or getInfo failed */
        DEVICE_NO_CREDENTIAL, /* none of the allowed credentials is on the keys present */
        DEVICE_EXCLUDED,      /* the key already holds one of the excluded credentials */
        DEVICE_NOT_TOUCHED,   /* no touch in time (CTAP2_ERR_USER_ACTION_TIMEOUT) */
        DEVICE_REFUSED,       /* CTAP2_ERR_OPERATION_DENIED */
        DEVICE_CANCELLED,     /* CTAP2_ERR_KEEPALIVE_CANCEL, or the caller hung up */
        DEVICE_TIMED_OUT,     /* the device did not answer in time */
        DEVICE_PIN_WRONG,     /* CTAP2_ERR_PIN_INVALID; retries says how many tries are left */
        DEVICE_PIN_REPLUG,  /* CTAP2_ERR_PIN_AUTH_BLOCKED: three wrong in a row, take the key out and back */
        DEVICE_PIN_BLOCKED, /* CTAP2_ERR_PIN_BLOCKED: only a reset helps */
        DEVICE_PIN_NOT_SET, /* verification was asked for, and the key has neither PIN nor fingerprint */
        DEVICE_PIN_POLICY,  /* CTAP2_ERR_PIN_POLICY_VIOLATION: too short, or a change is demanded */
        DEVICE_PIN_ALREADY, /* set PIN on a key that has one */
        DEVICE_UV_WRONG,    /* fingerprint not recognised (CTAP2_ERR_UV_INVALID) */
        DEVICE_UV_BLOCKED,  /* too many (CTAP2_ERR_UV_BLOCKED) */
        DEVICE_KEY_FULL,    /* no room for another resident credential */
        DEVICE_UNSUPPORTED, /* the key cannot do what was asked (algorithm, option) */
        DEVICE_FAILED,      /* any other error of the device; detail has its number */
        DEVICE_REASON_MAX,
};

/* "pin-wrong" and so on, for records and logs. */
const char *device_reason_name(enum device_reason reason);

enum device_event_type {
        DEVICE_EVENT_READER_ATTACHED = 1, /* watch: reader, present: a card lies in it already */
        DEVICE_EVENT_READER_DETACHED,     /* watch: reader */
        DEVICE_EVENT_CARD_INSERTED, /* watch: reader, atr (empty when unknown), seen_usec. A card that lay
                                       in the reader before the watch saw the reader is none */
        DEVICE_EVENT_CARD_REMOVED,  /* watch: reader */
        DEVICE_EVENT_PCSC_LOST,     /* watch: pcscd is gone; all readers count as detached */
        DEVICE_EVENT_PCSC_READY,    /* watch: pcscd answers; its readers follow as READER_ATTACHED */
        DEVICE_EVENT_KEY_ATTACHED,  /* key watch: key; present: it was there when the watch began */
        DEVICE_EVENT_KEY_DETACHED,  /* key watch: key */
        DEVICE_EVENT_KEYS_LISTED,   /* key watch: all that were there have been said */
        DEVICE_EVENT_KEY_WANTED,    /* key operations: none is plugged in, plug one in */
        DEVICE_EVENT_PIN_WANTED,    /* answer with device_send_pin() */
        DEVICE_EVENT_TOUCH_WANTED,  /* `verify` says: with the enrolled finger. Several keys plugged in may
                                       all  blink first, for the choice */
        DEVICE_EVENT_BADGE,         /* result of identify */
        DEVICE_EVENT_KEY_INFO,      /* result of key info */
        DEVICE_EVENT_CREDENTIAL,    /* result of make credential */
        DEVICE_EVENT_ASSERTION,     /* result of get assertion */
        DEVICE_EVENT_DONE,          /* result of set PIN */
        DEVICE_EVENT_FAILED,        /* any operation: reason, retries, detail. Nothing follows */
        DEVICE_EVENT_TYPE_INVALID = -1,
};

/* A key as a device, whoever's it is. The id is the same whenever the same key comes back to the same port;
 * it is made of what the device says of itself, so it is a claim, and good for nothing but telling that a
 * device came or went. Two keys of one model without serial numbers have the same one, one after the other
 * in the same port. */
struct device_key {
        char id[DEVICE_KEY_ID_SIZE];
        char product[DEVICE_PRODUCT_SIZE]; /* fit for a screen; may be empty */
};

struct device_badge {
        char kind[33]; /* from the ATR: "mifare-classic-1k", "desfire", "iso14443-4", "iso15693", "felica",
                          "unknown", ...: a hint, never identity */
        uint8_t number[DEVICE_NUMBER_MAX]; /* canonical byte order: as the card sends it in anticollision,
                                most significant first; what a reader turned round is turned back where its
                                kind tells */
        size_t number_len;                 /* 4 to 10 */
};

struct device_key_info {
        uint8_t aaguid[16];
        bool pin_set, uv_set; /* clientPin, uv of getInfo: configured, not merely supported */
        bool pin_able, uv_able;
        uint8_t pin_retries; /* 0xff when it has no PIN */
        uint8_t min_pin_length;
        char product[65];
};

struct device_credential {
        char format[17];                       /* "packed", "none", "fido-u2f", "tpm" */
        uint8_t authdata[DEVICE_AUTHDATA_MAX]; /* raw authenticator data (WebAuthn 6.1), not the CBOR string
                                                */
        size_t authdata_len;
        uint8_t attstmt[DEVICE_ATTSTMT_MAX]; /* raw CBOR map */
        size_t attstmt_len;
};

struct device_assertion {
        uint8_t credential_id[DEVICE_CREDENTIAL_ID_MAX]; /* the one the key says it used */
        size_t credential_id_len;
        uint8_t authdata[DEVICE_AUTHDATA_MAX];
        size_t authdata_len;
        uint8_t signature[DEVICE_SIGNATURE_MAX];
        size_t signature_len;
        char device[DEVICE_KEY_ID_SIZE]; /* id of the device that answered, as the key watch tells it; ""
                                            where it has none */
};

struct device_event {
        enum device_event_type type;
        char reader[DEVICE_READER_MAX + 1];
        uint8_t atr[DEVICE_ATR_MAX];
        size_t atr_len;
        uint64_t seen_usec; /* CLOCK_MONOTONIC */
        bool verify;
        bool present;
        enum device_reason reason;
        int retries;    /* tries left, -1 unknown */
        int32_t detail; /* PC/SC or FIDO_ERR_* number, for the log */
        union {
                struct device_key key;
                struct device_badge badge;
                struct device_key_info key_info;
                struct device_credential credential;
                struct device_assertion assertion;
        };
};

enum device_verify {
        DEVICE_VERIFY_NO,  /* touch only */
        DEVICE_VERIFY_YES, /* fingerprint where the key has one enrolled, else PIN */
        DEVICE_VERIFY_INVALID = -1,
};

struct device_blob {
        const uint8_t *p; /* borrowed */
        size_t n;
};

struct device_make_request {
        const char *rp_id, *rp_name;
        uint8_t client_data_hash[32];
        const uint8_t *user_id; /* 1 to 64 bytes */
        size_t user_id_len;
        const char *user_name, *user_display_name;
        enum device_verify verify;
        bool set_pin_first; /* the key has no PIN: PIN_WANTED asks for the new one, which is set before */
        bool protect; /* the key shall answer for this credential only after verification (credProtect 3):
                         where touch alone is ever to be enough, it would say NO_CREDENTIAL */
        const struct device_blob *exclude;
        size_t n_exclude; /* at most DEVICE_ALLOW_MAX */
};

struct device_assert_request {
        const char *rp_id;
        uint8_t client_data_hash[32];
        enum device_verify verify;
        bool protect; /* they were made with `protect`: they show only after the PIN, so it is asked for
                         without looking first */
        const struct device_blob *allow;
        size_t n_allow; /* 1 to DEVICE_ALLOW_MAX */
};

struct device_operation;

/* Each starts an operation. deadline_ms is for the whole of it, at most 120000; 0 for the watches, which
 * have none. After the deadline the operation ends by itself with DEVICE_TIMED_OUT or a more exact reason.
 * Errors: those of socket_connect(); -EINVAL for a request out of its limits; -EMSGSIZE. A wardtap-device
 * that hangs up at once is no error here: device_next() tells why. The request is not kept. */
int device_watch(struct device_operation **ret);      /* over readers and cards */
int device_watch_keys(struct device_operation **ret); /* which keys are plugged in; opens none of them */
int device_identify(const char *reader, unsigned deadline_ms, struct device_operation **ret);
int device_key_info(unsigned deadline_ms, struct device_operation **ret);
int device_make_credential(const struct device_make_request *q, unsigned deadline_ms,
                           struct device_operation **ret);
/* By touch in three round trips with the key (INIT, getInfo, getAssertion), by finger with those of its
 * token. Before a PIN is asked for, the key is asked without touch or PIN whether it holds one of the
 * allowed credentials: NO_CREDENTIAL when not, and neither is a PIN typed into somebody else's key nor does
 * that key's say about PIN or finger come back. That costs one round trip more, before the person types. */
int device_get_assertion(const struct device_assert_request *q, unsigned deadline_ms,
                         struct device_operation **ret);
int device_set_pin(unsigned deadline_ms, struct device_operation **ret); /* asks with PIN_WANTED */

/* Readable (POLLIN) when device_next() has something. Stays the operation's. */
int device_fd(const struct device_operation *op);

/* The next event, without waiting: 1 and *ret, or 0 when there is none yet. When the other side hung up or
 * sent what is not a message of this operation, that is an event too: FAILED with DEVICE_GONE or
 * DEVICE_BAD_ANSWER. -ENODATA after the last event (a result or FAILED). PIN_WANTED comes at most once. */
int device_next(struct device_operation *op, struct device_event *ret);
/* The same, waiting until deadline_usec (CLOCK_MONOTONIC); -ETIMEDOUT. */
int device_wait(struct device_operation *op, uint64_t deadline_usec, struct device_event *ret);

/* Answers PIN_WANTED. -EINVAL for fewer than 4 characters or more than DEVICE_PIN_MAX bytes, or when none is
 * wanted: nothing was sent. When the operation has ended meanwhile, device_next() tells. */
int device_send_pin(struct device_operation *op, const char *pin);

/* Hangs up, which cancels. NULL is fine; returns NULL. */
struct device_operation *device_operation_free(struct device_operation *op);
DEFINE_CLEANUP(struct device_operation, device_operation_free)
