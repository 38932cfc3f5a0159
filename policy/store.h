/* SPDX-License-Identifier: Apache-2.0 */
/* The enrolment store: who holds which badge and key (people.db, written by administration alone) and what
 * attempts must remember (state.db: counters, the last full sign-in, failures). Rows are ended, never
 * deleted. All times are CLOCK_REALTIME in microseconds unless the name says otherwise. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util.h"
#include "policy/decide.h"

#define STORE_INDEX_SIZE 32U  /* HMAC-SHA256 of a badge number */
#define STORE_KEY_ID_SIZE 16U /* hexadecimal digits naming the badge key */
#define STORE_CREDENTIAL_MAX 1023U
#define STORE_PUBLIC_KEY_MAX 1024U /* COSE_Key, CBOR */
#define STORE_KEYS_MAX 8U          /* keys of one person that have not ended */
#define STORE_ELEVATIONS_MAX 8U    /* roles for a while that one person has at a time */
#define STORE_APPROVER_MAX 130U    /* two user names and a space */
/* suspend_reason of what somebody reported lost begins with it; the owner's key, or a ticket, lifts that and
 * nothing else. */
#define STORE_REPORTED "reported: "
static inline bool store_is_reported(const char *suspend_reason) {
        return strncmp(suspend_reason, STORE_REPORTED, sizeof(STORE_REPORTED) - 1) == 0;
}

enum person_kind {
        PERSON_PERMANENT, /* the account is one person's */
        PERSON_AGENCY,    /* the account is lent out, to one person at a time: struct store_lease */
        PERSON_EMERGENCY, /* the account is nobody's: a sealed kit or a witness opens it */
        PERSON_KIND_MAX,
};

struct store_person {
        int64_t id;          /* never used again */
        char uuid[37];       /* WARDTAP_PERSON: the id outside this station */
        char user[65];       /* POSIX account */
        char full_name[129]; /* what the screen shows */
        enum person_state state;
        uint64_t not_before_usec, not_after_usec; /* 0 = no limit */
        char source[33];                          /* "station" */
        int64_t version;                          /* of this row, from 1 */
        uint64_t added_usec, ended_usec;
        enum person_kind kind;
};

/* Who has an agency account, until when. A holder is another person than the holder before: with an id of
 * her own, which is never used again. */
struct store_lease {
        int64_t id, person;
        char uuid[37];        /* WARDTAP_PERSON while she has it */
        char holder[129];     /* her full name */
        char identified[129]; /* how she was identified */
        uint64_t until_usec;
        char source[33];
        int64_t version;
        uint64_t added_usec, ended_usec; /* 0 = not ended: also when until_usec is over */
        char end_reason[129];
        uint64_t wiped_usec;          /* when the home was wiped after it; 0 = not yet */
        uint64_t added_boottime_usec; /* CLOCK_BOOTTIME when it was lent ... */
        char added_boot_id[33];       /* ... in this boot; "": not known */
};

struct store_badge {
        int64_t id, person;
        char token[9]; /* short name for people and records, from the index: not the number */
        char kind[33];
        uint8_t number_len;                 /* bytes the number has */
        char key_id[STORE_KEY_ID_SIZE + 1]; /* badge key of the index */
        uint8_t index[STORE_INDEX_SIZE];
        char source[33];
        int64_t version;
        uint64_t added_usec, ended_usec; /* 0 = not ended */
        char end_reason[129];
        uint64_t suspended_usec; /* 0 = not suspended */
        char suspend_reason[129];
        uint64_t not_after_usec; /* lent until then; 0 = the person's own */
        struct policy_approval
                approval; /* of a badge that is lent: what it stands on, until not_after_usec */
        char approver[STORE_APPROVER_MAX + 1];
        char lend_reason[129];
};

/* A role for a while. Never deleted; it ends at until_usec, or earlier. */
struct store_elevation {
        int64_t id, person;
        char role[65];
        struct policy_approval approval; /* from when until when */
        char approver[STORE_APPROVER_MAX + 1];
        char reason[129];
        int64_t version;
        uint64_t added_usec, ended_usec; /* 0 = not ended by anybody */
        char end_reason[129];
};

struct store_key {
        int64_t id, person;
        uint8_t credential_id[STORE_CREDENTIAL_MAX];
        size_t credential_id_len;
        uint8_t public_key[STORE_PUBLIC_KEY_MAX];
        size_t public_key_len;
        char token[17]; /* first 8 bytes of SHA-256 of the credential id, hexadecimal: WARDTAP_KEY */
        char rp_id[254];
        uint8_t aaguid[16];
        bool attested;                     /* chain verified against a vendor root */
        char format[17];                   /* of the attestation, kept whole with the row */
        const uint8_t *attstmt, *authdata; /* for store_add_key() only: borrowed */
        size_t attstmt_len, authdata_len;
        char label[65];
        char source[33];
        int64_t version;
        uint64_t added_usec, ended_usec;
        char end_reason[129];
        uint64_t suspended_usec; /* 0 = not suspended */
        char suspend_reason[129];
};

struct store; /* people.db, or state.db */

/* Opens people.db by its absolute path. For writing (administration): created where missing with the given
 * group (mode 0640), migrated to this program's version, rollback journal, foreign keys on. For reading
 * (attempts): never creates or migrates. Both kinds wait at most 2 s for a lock in any call below, then
 * -EBUSY. Readers go on while a writer works, and wait only while its commit is written.
 *
 * -ENOENT: not there, or empty. -EACCES: no permission; or file or folder belong to somebody else than root
 * or the caller, have other names (hard links) or a journal that is not theirs, or may be read or written by
 * more people than they should. -EBADMSG: not a store, corrupt, or no regular file (a symbolic link).
 * -EPROTO: written by a newer version (nothing was changed), or, for reading, by an older one that
 * administration has not migrated yet. -EBUSY: locked for over 2 s; or, at once, a writer was killed (or the
 * power went) while it wrote a commit: only an open for writing can undo that, and does; until then every
 * open for reading, and every call of a reader, says -EBUSY. A writer killed before its commit harms nobody.
 * -EINVAL: not an absolute path. */
int store_open_people(const char *path, bool write, gid_t gid, struct store **ret);
/* Opens state.db, created where missing (mode 0600), synchronous=FULL, rollback journal kept beside it. What
 * a killed writer left is undone by the next open. Errors as above. `read_only` is for root, who looks at
 * the file of another user: it writes nothing in that folder. */
int store_open_state(const char *path, bool read_only, struct store **ret);
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store, store_close)

/* A number that grows with every change of people.db: WARDTAP_STORE_VERSION. */
int store_version(struct store *s, uint64_t *ret);
/* PRAGMA integrity_check and foreign_key_check: 0, or -EBADMSG. */
int store_check(struct store *s);

/* --- people.db: reading. -ENOENT when there is none. */
/* Somebody who has not ended if there is one, else the one who ended last. */
int store_find_person(struct store *s, const char *user, struct store_person *ret);
int store_find_person_by_id(struct store *s, int64_t id, struct store_person *ret);
/* The badge with any of these indexes, and its person: one that has not ended if there is one, else the one
 * that ended last (the screen then says "blocked", not "unknown"). Each index is STORE_INDEX_SIZE bytes
 * under key_ids[i]. O(1) in the number of badges. */
int store_find_badge(struct store *s, const char *const *key_ids, const uint8_t *const *indexes, size_t n,
                     struct store_badge *ret_badge, struct store_person *ret_person);
/* The badge that is lent to the person, not ended and until later than now_usec. -ENOENT. */
int store_lent_badge(struct store *s, int64_t person, uint64_t now_usec, struct store_badge *ret);
/* The person's roles for a while that nobody has ended and that run until later than after_usec, the newest
 * first; *ret_n <= STORE_ELEVATIONS_MAX. */
int store_person_elevations(struct store *s, int64_t person, uint64_t after_usec,
                            struct store_elevation *ret, size_t *ret_n);
/* The person's keys that have not ended, the suspended ones included, oldest first; *ret_n <=
 * STORE_KEYS_MAX. */
int store_person_keys(struct store *s, int64_t person, struct store_key *ret, size_t *ret_n);
/* Calls f for each row in order of id, the ended ones too, until f returns non-zero, which is then returned.
 * `person` 0 = everybody's. No lock is held while f works; f may change the store. attstmt and authdata are
 * not read. */
int store_each_person(struct store *s, int (*f)(const struct store_person *, void *), void *data);
int store_each_badge(struct store *s, int64_t person, int (*f)(const struct store_badge *, void *),
                     void *data);
int store_each_key(struct store *s, int64_t person, int (*f)(const struct store_key *, void *), void *data);
int store_each_elevation(struct store *s, int64_t person, int (*f)(const struct store_elevation *, void *),
                         void *data);
/* The latest lease of an agency account, ended or not. */
int store_find_lease(struct store *s, int64_t person, struct store_lease *ret);
/* As above, of everybody's. */
int store_each_lease(struct store *s, int (*f)(const struct store_lease *, void *), void *data);

/* --- people.db: writing. Each is one transaction. now_usec (not 0) goes into added/ended. An empty source
 * becomes "station". -EINVAL: a text that is unclean or missing, or a size out of its limits. */
/* Sets p->id, p->uuid, p->version. -EEXIST: a person who has not ended has this user. -EINVAL: an empty or
 * unclean user or name. */
int store_add_person(struct store *s, struct store_person *p, uint64_t now_usec);
/* Suspends, ends or re-activates the person who has this user and has not ended; to end somebody ends the
 * badges, keys and lease too (reason "person ended"), and is for ever. -ENOENT. */
int store_set_person_state(struct store *s, const char *user, enum person_state state, uint64_t now_usec,
                           struct store_person *ret);
/* From when to when the person who has this user and has not ended may sign in; 0 = no limit. -ENOENT.
 * -EINVAL: the end is not after the beginning. */
int store_set_person_limits(struct store *s, const char *user, uint64_t not_before_usec,
                            uint64_t not_after_usec, struct store_person *ret);
/* Sets b->id and b->version. -EEXIST and *ret_holder: somebody (maybe the same person) holds this badge
 * under the same key_id; while two badge keys are in use, look with store_find_badge() first. A badge that
 * was lent until now_usec or earlier is ended first. -ENOENT: no such person, or ended. A badge is lent when
 * it has not_after_usec; then approver and lend_reason are needed. */
int store_add_badge(struct store *s, struct store_badge *b, uint64_t now_usec,
                    struct store_person *ret_holder);
/* Sets k->id, k->token and k->version. -EEXIST and *ret_holder: the credential is enrolled. -E2BIG: the
 * person has STORE_KEYS_MAX keys. -ENOENT: no such person, or ended. */
int store_add_key(struct store *s, struct store_key *k, uint64_t now_usec, struct store_person *ret_holder);
/* By token, among those not ended. -ENOENT; -ENOTUNIQ when two have it. */
int store_end_badge(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                    struct store_badge *ret_badge, struct store_person *ret_person);
int store_end_key(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                  struct store_key *ret_key, struct store_person *ret_person);
/* Sets e->id and e->version. e->added_usec is the approval's from_usec. -ENOENT: no such person, or ended.
 * -E2BIG: the person has STORE_ELEVATIONS_MAX. -EINVAL: it would end before it begins. */
int store_add_elevation(struct store *s, struct store_elevation *e);
/* All roles for a while that the person has at now_usec; *ret_n says how many. */
int store_end_elevations(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                         unsigned *ret_n);
/* Suspends all badges (or keys) of the person that are in use (not those suspended already), for "reported:
 * REASON"; *ret_n says how many. */
int store_report_badges(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                        unsigned *ret_n);
int store_report_keys(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                      unsigned *ret_n);
/* Lifts what the two above did, and nothing else. */
int store_lift_badges(struct store *s, int64_t person, unsigned *ret_n);
int store_lift_keys(struct store *s, int64_t person, unsigned *ret_n);
/* Ends all badges (or keys) of the person. */
int store_end_badges_of(struct store *s, int64_t person, const char *reason, uint64_t now_usec);
int store_end_keys_of(struct store *s, int64_t person, const char *reason, uint64_t now_usec);
/* By token, among those not ended: suspends it for this reason, or, with NULL, lifts that. -ENOENT;
 * -ENOTUNIQ; -EALREADY: it is so already. */
int store_suspend_badge(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                        struct store_badge *ret_badge, struct store_person *ret_person);
int store_suspend_key(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                      struct store_key *ret_key, struct store_person *ret_person);
/* Lends l->person, an agency account, to l->holder. Sets l->id, l->uuid and l->version. -ENOENT: no such
 * person, or ended. -EOPNOTSUPP: no agency account. -EEXIST: lent already. -EUCLEAN: the home was not wiped
 * after the lease before. */
int store_add_lease(struct store *s, struct store_lease *l, uint64_t now_usec);
/* Ends the lease of this person. -ENOENT: there is none. */
int store_end_lease(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                    struct store_lease *ret);
/* The home was wiped after this lease, which has ended. -EEXIST: it was already. -ENOENT. -EINVAL: the lease
 * has not ended. */
int store_set_wiped(struct store *s, int64_t lease, uint64_t now_usec);
/* Opens and commits one transaction around several of the above; one of them that fails undoes itself alone.
 * Between store_begin() and the end nobody else can write (-EBUSY for them after 2 s). A transaction is kept
 * in memory until its commit, and readers wait only while that is written: 100,000 people with a badge each
 * are 80 MB and 0.2 s (tests/bench/bench_import.c), so that an import is one transaction.
 * store_commit(): -EBUSY when readers did not let go within 2 s (still open: try again or roll back);
 * -ECANCELED, as from all the others, when an error (a full disk) has undone the whole (roll back). -EINVAL:
 * begun twice, or not begun. */
int store_begin(struct store *s);
int store_commit(struct store *s);
int store_rollback(struct store *s);

/* --- people.db: what was said and done about an emergency, by the id of its review item */
enum review_part {
        REVIEW_WORDS, /* the person explains it */
        REVIEW_CLINICAL,
        REVIEW_SECURITY,
        REVIEW_PART_MAX,
};
/* "words", "clinical", "security". */
const char *review_part_name(enum review_part p);

#define STORE_REVIEW_LENGTH 12U /* of an id: the first hexadecimal digits of its attempt's */
#define STORE_REVIEW_SIZE (STORE_REVIEW_LENGTH + 1U)
#define STORE_WORDS_MAX 1024U
struct store_review {
        char review[STORE_REVIEW_SIZE];
        enum review_part part;
        int64_t person; /* whose key was touched for it */
        char user[65];  /* of that person; read only */
        char words[STORE_WORDS_MAX + 1];
        uint64_t closed_usec;
};
/* Each part once. -EEXIST: it is there. -EKEYREJECTED: this person closed another part. -EINVAL */
int store_add_review(struct store *s, const struct store_review *v);
/* The parts there are; *ret_n <= REVIEW_PART_MAX. */
int store_reviews(struct store *s, const char *review, struct store_review ret[static REVIEW_PART_MAX],
                  size_t *ret_n);

/* --- state.db */
/* One emergency, as the attempt knew it. */
struct store_emergency {
        char attempt[33], review[STORE_REVIEW_SIZE];
        int64_t person;              /* whose account it opened */
        char user[65], claimed[129]; /* claimed "": the account is the person's own */
        int64_t witness;             /* 0: none */
        enum emergency how;
        char reason[33];
        uint64_t from_usec, until_usec;
        bool drill;
};
/* -EINVAL: a text that is missing or unclean, or no time. -EEXIST */
int store_add_emergency(struct store *s, const struct store_emergency *e);
/* Newest first, until f returns non-zero, which is then returned. */
int store_each_emergency(struct store *s, int (*f)(const struct store_emergency *, void *), void *data);
/* History of a person with no row is all zero, and no error. `emergencies` is not filled in. */
int store_history(struct store *s, int64_t person, struct policy_history *ret);
/* How often the person's badge alone has opened an emergency that was no drill, within the 24 hours before
 * now_usec: what a clock that ran ahead has written counts for nobody. */
int store_count_emergencies(struct store *s, int64_t person, uint64_t now_usec, unsigned *ret);
/* The counter a key showed last; 0 when it was never used. */
int store_counter(struct store *s, int64_t key, uint32_t *ret);

struct store_sign_in {
        int64_t person;
        bool strong;      /* becomes the last full sign-in */
        bool grace_renew; /* moves the start of grace to now */
        int64_t badge;    /* 0 without */
        int64_t key;      /* 0 without */
        uint32_t counter; /* of the key, as signed */
        uint8_t aal;
        struct policy_clock clock;
};
/* One transaction, on disk when it returns: the counter rule (WebAuthn Level 2, 7.2, step 21: when the
 * stored or the new one is non-zero, the new must be greater) is judged inside it, so that two attempts with
 * the same answer cannot both pass. Clears the failures when there is a key: whoever has but a copied badge
 * must not get new tries. `strong` also starts grace anew. The badge counts as used now. Without key, strong
 * and grace_renew there is nothing to remember and nothing is written. -EKEYREJECTED: the counter did not
 * grow, nothing was changed. -EINVAL: no person, or no time. */
int store_commit_sign_in(struct store *s, const struct store_sign_in *in);
/* A badge let somebody in, and there was nothing else to remember. It is written once a day at most: under
 * grace the full sign-in before has said it already, so that a re-entry waits for no disk. -EINVAL: no
 * badge, or no time. */
int store_note_badge(struct store *s, int64_t badge, uint64_t now_usec);
/* When it was used last, to within a day for a badge; 0 when no use is known. */
int store_badge_used(struct store *s, int64_t badge, uint64_t *ret_usec);
int store_key_used(struct store *s, int64_t key, uint64_t *ret_usec);
/* One more failure of the person's own authenticator. */
int store_add_failure(struct store *s, int64_t person, const struct policy_clock *clock);

/* The last known account data of a user, for when the name service is too slow. */
struct store_account {
        uid_t uid;
        char full_name[129]; /* GECOS name */
        char **groups;       /* owned; NULL-terminated */
        size_t n_groups;
        uint64_t at_usec;
};
void store_account_clear(struct store_account *a);
/* Writes only what changed, or is an hour older. -EINVAL: an unclean user. -E2BIG: over 65536 groups, or 512
 * kB of names. */
int store_save_account(struct store *s, const char *user, const struct store_account *a);
/* -ENOENT when nothing is known. */
int store_load_account(struct store *s, const char *user, struct store_account *ret);
