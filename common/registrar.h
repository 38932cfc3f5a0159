/* SPDX-License-Identifier: Apache-2.0 */
/* The messages on PATH_REGISTRAR_SOCKET between an attempt (user wardtap) and wardtap-registrar, which
 * writes what a ticket allows into people.db. SOCK_SEQPACKET, one connection = one ticket, one message each:
 * version u8, type u8, then the fields below in order.
 *
 *   attempt                                wardtap-registrar
 *   CHECK attempt, user, code          ->
 *                                      <-  TICKET status, ...       nothing was changed, unless the code was
 *                                                                   wrong, which is counted
 *   USE badge                          ->                           a sign-in without factors
 *                                      <-  DONE status              0: the ticket is used up
 *   ENROL badge, credential, trial     ->                           instead of USE
 *                                      <-  DONE status              0: badge and key are the person's
 *
 * The registrar believes nobody: the credential must sign for `make`, and the trial for `trial`, two
 * challenges that it has made for this connection. Whoever has no code gains nothing, and whoever has one
 * gains what it was issued for.
 *
 * Both also lift what a colleague reported lost before the ticket was issued, of the badge that was tapped
 * and of the key that made the trial, and of nothing else that the person has. */
#pragma once

#include "common/broker.h"
#include "common/ticket.h"

#define REGISTRAR_VERSION 2U
#define REGISTRAR_CHALLENGE_SIZE 32U
#define REGISTRAR_AUTHDATA_MAX 2048U
#define REGISTRAR_ATTSTMT_MAX 4096U
#define REGISTRAR_CREDENTIAL_ID_MAX 1023U
#define REGISTRAR_SIGNATURE_MAX 1024U
/* From CHECK to the end: a key is plugged in, a PIN chosen, two touches. */
#define REGISTRAR_CONNECTION_USEC (420ULL * 1000 * 1000)

enum registrar_type {
        REGISTRAR_CHECK = 1,
        REGISTRAR_USE,
        REGISTRAR_ENROL,
        REGISTRAR_TICKET = 64,
        REGISTRAR_DONE,
        REGISTRAR_TYPE_INVALID = -1,
};

enum registrar_status {
        REGISTRAR_OK,
        REGISTRAR_WRONG,      /* no ticket has this code */
        REGISTRAR_PAUSED,     /* too many wrong ones: none is looked at now */
        REGISTRAR_USED,       /* it was used, or somebody was quicker just now */
        REGISTRAR_EXPIRED,    /* its time is over */
        REGISTRAR_REVOKED,    /* it has ended in another way */
        REGISTRAR_OF_ANOTHER, /* for somebody else than `user` */
        REGISTRAR_PERSON,     /* the person has ended, or her time has */
        REGISTRAR_SUSPENDED,  /* she is suspended */
        REGISTRAR_NOT_HERE,   /* not in the rules, or not what it was issued for */
        REGISTRAR_BADGE_TAKEN,
        REGISTRAR_KEY_TAKEN,
        REGISTRAR_KEYS_FULL,
        REGISTRAR_KEY_REFUSED,  /* credential or trial is not what a key says */
        REGISTRAR_KEY_UNUSABLE, /* nobody whom the site trusts vouches for it, and the role wants that */
        /* Not reported lost but suspended by an administrator, or reported after the ticket was issued. */
        REGISTRAR_BADGE_SUSPENDED,
        REGISTRAR_KEY_SUSPENDED,
        REGISTRAR_FAILED, /* store, records or rules */
        REGISTRAR_STATUS_MAX,
};

struct registrar_badge {
        char token[9], kind[33]; /* token "": the badge stays as it is, only a key is enrolled */
        size_t n_indexes;        /* the key in use first; 0 without a badge */
        struct badge_index indexes[BADGE_INDEXES_MAX];
};

struct registrar_enrol {
        struct registrar_badge badge;
        bool attested_only; /* the role takes no key whose maker does not vouch for it */
        bool own;           /* the key has a credential of hers already: there is no new one, only a trial */
        char label[65];     /* what the key calls itself */
        char format[17];
        uint8_t authdata[REGISTRAR_AUTHDATA_MAX];
        size_t authdata_len;
        uint8_t attstmt[REGISTRAR_ATTSTMT_MAX];
        size_t attstmt_len;
        /* the trial */
        uint8_t credential_id[REGISTRAR_CREDENTIAL_ID_MAX];
        size_t credential_id_len;
        uint8_t trial_authdata[REGISTRAR_AUTHDATA_MAX];
        size_t trial_authdata_len;
        uint8_t signature[REGISTRAR_SIGNATURE_MAX];
        size_t signature_len;
};

struct registrar_ticket {
        enum registrar_status status; /* anything but OK: the rest is empty, save wait_usec of PAUSED */
        uint64_t wait_usec;
        char name[TICKET_NAME_CHARS + 1], user[65], issuer[65];
        bool may_enrol, may_sign_in, used; /* used: only to give back the session that it began */
        uint64_t until_usec;               /* CLOCK_REALTIME */
        uint8_t make[REGISTRAR_CHALLENGE_SIZE], trial[REGISTRAR_CHALLENGE_SIZE];
};

struct registrar_message {
        enum registrar_type type;
        union {
                struct {
                        char attempt[33];
                        char user[65]; /* whose badge was tapped; "" while nobody is known */
                        struct ticket_code code;
                } check;
                struct registrar_badge use; /* of hers that was tapped and is suspended; else empty */
                struct registrar_enrol enrol;
                struct registrar_ticket ticket;
                enum registrar_status done;
        };
};

/* For _cleanup_(registrar_message_erase): wipes it. */
void registrar_message_erase(struct registrar_message *m);

/* Encodes m into w (writer_end() tells whether it fitted). */
void registrar_write(struct writer *w, const struct registrar_message *m);
/* Decodes one whole message. -EPROTONOSUPPORT for another version, -EBADMSG for anything malformed. *ret
 * only on success. */
int registrar_read(struct bytes b, struct registrar_message *ret);

/* Connects; the listener must be root's. As socket_connect(). */
int registrar_connect(int *ret_fd);
/* The buffers used are wiped. As socket_send(), socket_receive() and the above. */
int registrar_send(int fd, const struct registrar_message *m);
int registrar_receive(int fd, struct registrar_message *ret);
