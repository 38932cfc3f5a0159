/* SPDX-License-Identifier: Apache-2.0 */
/* One audit record: an event and its fields, as it travels to wardtapd, stands in the write-ahead file and
 * goes to the journal. wardtapd alone numbers, chains and writes records; everybody else only asks it to. */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

/* name in WARDTAP_EVENT=, MESSAGE_ID, syslog priority. Each has an entry in packaging/wardtap.catalog. New
 * ones come last: their numbers stand in the files of stations. */
#define RECORD_EVENTS(X)                                                                                    \
        X(SIGN_IN, "sign-in", "59c0ce3c5fc74f0b8054c0021a580d5a", 5)                                        \
        X(RESUME, "resume", "0fbb80e4423b412ca0f19988e41d36ab", 5)                                          \
        X(DENIED, "denied", "775a92155dc949f2a4aec20d568d0785", 4)                                          \
        X(UNKNOWN_BADGE, "unknown-badge", "36f8a9964f4e459f8d9bef622a61cc44", 4)                            \
        X(CANCELLED, "cancelled", "7bfe4fd6cfce415693910728f07b6771", 6)                                    \
        X(UNAVAILABLE, "unavailable", "790acbd5a16346718bb4bf5ae8817cfa", 4)                                \
        X(SESSION_OPEN, "session-open", "5b0d9c28be1a4303b50d0420bf70b7f7", 6)                              \
        X(SESSION_CLOSE, "session-close", "6c58ec2f5bd545ffb16dc4a72667e4e2", 6)                            \
        X(PERSON_ADD, "person-add", "188b29bb79a64fdbb75d31afc195a629", 5)                                  \
        X(BADGE_ENROL, "badge-enrol", "4cb6df2878e649c7a5ad857baae4567c", 5)                                \
        X(BADGE_END, "badge-end", "bc1509d4049d4f2a8cfb10291f561eb5", 5)                                    \
        X(BADGE_REFUSED, "badge-refused", "c8ecb70290b14c5aa49f536cc5a852e3", 4)                            \
        X(KEY_ENROL, "key-enrol", "ef6ba62c2c90450f90aa518a2577099c", 5)                                    \
        X(KEY_END, "key-end", "db94f7eae8da41aabe7d40e304e1c200", 5)                                        \
        X(POLICY_APPLY, "policy-apply", "120e7a70c9ce4775aa341e906fe4f951", 5)                              \
        X(POLICY_REFUSED, "policy-refused", "e457739d18aa4bafb26ef3908b755fff", 1)                          \
        X(READER_ATTACH, "reader-attach", "148bf1f9996348bdb56661720070cad8", 6)                            \
        X(READER_DETACH, "reader-detach", "fb5465064c7241d785f0683a440e8d02", 5)                            \
        X(READER_SLOWED, "reader-slowed", "68727cea970b49d489742a904146c283", 4)                            \
        X(WRITER_START, "writer-start", "8ec60928dc04494685594b73df31ca9a", 5)                              \
        X(WRITER_STOP, "writer-stop", "3d0d8ea765fe414b83c45c6867648ef2", 5)                                \
        X(ALERT, "alert", "f8a3bf57a0af42c6be9d19a14c4247f3", 1)                                            \
        X(APPROVE, "approve", "1a31c08994e74b8c92fd5e0b70b9b03a", 5)                                        \
        X(FALLBACK, "fallback", "e4889cf16d7347dab8c9ff3a58756b86", 5)                                      \
        X(HANDOFF, "handoff", "0f6eef03d7c84b6cac77e42b551e62c3", 5)                                        \
        X(LOCK, "lock", "28fb56488540432ab4b0b94fff7271a8", 5)                                              \
        X(UNLOCK, "unlock", "3a0edac5c60f4fcaa0ede5b5e21d6c32", 5)                                          \
        X(TAP_OUT, "tap-out", "7e70df34487c4b978519c63268057217", 5)                                        \
        X(IDLE_LOCK, "idle-lock", "38871814c2cf45f494e35a710884fca0", 5)                                    \
        X(SIGN_OUT, "sign-out", "a2aaa4ef20cc441aa79a53f941889b81", 5)                                      \
        X(NEARBY_BADGE, "nearby-badge", "0e880e64f599439d9cf847aef080b0a8", 5)                              \
        X(GUARD_ALERT, "guard-alert", "66a05b68844046cba7046b182906beeb", 1)                                \
        X(KEY_ATTACH, "key-attach", "f432eba558114fe8a052f85e108dea7c", 6)                                  \
        X(KEY_DETACH, "key-detach", "f2326796bfd042199310122f95b84340", 6)                                  \
        X(PERSON_SUSPEND, "person-suspend", "230c19aac35b4265bc7c0cb0c85bc60e", 5)                          \
        X(PERSON_RESUME, "person-resume", "c99e10dafd304c3caf200e08ffd97970", 5)                            \
        X(PERSON_EXPIRE, "person-expire", "15772bb7e99446df9abe67e3000939ce", 5)                            \
        X(PERSON_OFFBOARD, "person-offboard", "f27a509f89aa4b6d8d1f742426b02584", 5)                        \
        X(BADGE_REPLACE, "badge-replace", "9dd23e8103654947a772a05eb0f730a1", 5)                            \
        X(BADGE_SUSPEND, "badge-suspend", "e7d029f2c5704636bdc6fe51fce2dae6", 5)                            \
        X(BADGE_RESUME, "badge-resume", "d83a76a2447f42e28f0e173f6cb37954", 5)                              \
        X(KEY_REPLACE, "key-replace", "00e7a5d0273f4e9bad4985dea6e46b1f", 5)                                \
        X(KEY_SUSPEND, "key-suspend", "8b4d5a04987a47a280382bc0ceb1396d", 5)                                \
        X(KEY_RESUME, "key-resume", "e1cb2a23abee4a02bf9c7b339c01b3d2", 5)                                  \
        X(LEASE, "lease", "f988fb3c4dfb47cb99c50b1df2055814", 5)                                            \
        X(LEASE_END, "lease-end", "eabdb6080c6542738bd16204531e0279", 5)                                    \
        X(HOME_WIPE, "home-wipe", "f197b1b9a0c6492b9f6ab7ee519c1fcf", 5)                                    \
        X(IMPORT, "import", "d5631384e1044b26adb3631612e707de", 5)                                          \
        X(EXPORT, "export", "1b941a1d55f545efb2e8b8afcf3d7a40", 5)                                          \
        X(REVIEW_ATTEST, "review-attest", "f9c3848f39fc40c2bd6b5ea474be503f", 5)                            \
        X(AUDIT_QUERY, "audit-query", "117e8434e68c4a448a23946ac179ed27", 5)                                \
        X(TICKET_ISSUE, "ticket-issue", "a91118d86bf84620b6da8f85ca92d16a", 5)                              \
        X(TICKET_USE, "ticket-use", "2754e01d6dcb46678fc2eb52bca4afde", 5)                                  \
        X(TICKET_REFUSED, "ticket-refused", "1b61b1dc68c54e31a367fc119fd884fc", 4)                          \
        X(TICKET_REVOKE, "ticket-revoke", "cfe1fc10e5654dfba96ec8229b96f9a1", 5)                            \
        X(ELEVATE, "elevate", "d4361310eb924d2c8d9cef73e929a959", 5)                                        \
        X(ELEVATE_END, "elevate-end", "19ee60ccf49c48c2abe0436c658ec3d5", 5)                                \
        X(BADGE_LEND, "badge-lend", "da132e0c9de0451f8e1d9363e989dded", 5)                                  \
        X(LOST_REPORT, "lost-report", "32ba0079d334411a88e4441753812d54", 5)                                \
        X(LOST_FOUND, "lost-found", "db673954f61349daa14a5617f54a427d", 5)                                  \
        X(RECOVERY_BEGIN, "recovery-begin", "1431c0242b164aeb82de884ba85ee24b", 5)                          \
        X(RECOVERY_APPROVE, "recovery-approve", "16d5749ba3b14c4386ca9e7e5388c7da", 5)                      \
        X(RECOVERY_DONE, "recovery-done", "5fe6eb34c0d04928a3e8c258fe3dc148", 5)                            \
        X(APPROVAL_REFUSED, "approval-refused", "43855bff50024c2fb68c748ccdfd7d7b", 4)                      \
        X(BREAK_GLASS_START, "break-glass-start", "13388a6369fc47ebb095f3b70b42702e", 2)                    \
        X(BREAK_GLASS_STOP, "break-glass-stop", "ba969b17d0fb4eb7924945217468dd14", 2)                      \
        X(BREAK_GLASS_DRILL, "break-glass-drill", "5b247f1867a347049846bbc1276d2bd9", 5)                    \
        X(REVIEW_OPEN, "review-open", "f941f8eb199f4f9a8b78efe735d968f7", 5)                                \
        X(REVIEW_WORDS, "review-words", "9aafef0f6cd94507878fb835f3f0ffc9", 5)                              \
        X(REVIEW_CLOSE, "review-close", "6532fa29adc14a4b9a6c389d8fb6006c", 5)                              \
        X(CHECK_FAIL, "check-fail", "a0312c971ed444f4bdf2877393a5b1e0", 4)                                  \
        X(CHECK_PASS, "check-pass", "888949c7a7824432afcc55d6e4dee5b1", 5)

enum record_event {
#define X(id, name, message_id, priority) RECORD_##id,
        RECORD_EVENTS(X)
#undef X
                RECORD_EVENT_MAX,
        RECORD_EVENT_INVALID = -1,
};

/* Fields, each a line WARDTAP_<id>=value, with the most bytes a value may have. Those from STATION to PREV
 * are set by wardtapd itself; a sender that sets one is refused. New ones come last: their numbers stand in
 * the files of stations. */
#define RECORD_FIELDS(X)                                                                                    \
        X(REASON, 64)                                                                                       \
        X(ATTEMPT, 32)                                                                                      \
        X(CODE, 8)                                                                                          \
        X(SEAT, 64)                                                                                         \
        X(PERSON, 36)                                                                                       \
        X(USER, 64)                                                                                         \
        X(UID, 10)                                                                                          \
        X(ACCOUNT, 64)                                                                                      \
        X(ROLE, 64)                                                                                         \
        X(FROM_USER, 64)                                                                                    \
        X(FROM_SESSION, 64)                                                                                 \
        X(TO_SESSION, 64)                                                                                   \
        X(REQUESTOR, 64)                                                                                    \
        X(BADGE, 32)                                                                                        \
        X(BADGE_KIND, 32)                                                                                   \
        X(READER, 128)                                                                                      \
        X(KEY, 32)                                                                                          \
        X(FACTORS, 32)                                                                                      \
        X(AAL, 1)                                                                                           \
        X(GRACE, 64)                                                                                        \
        X(LAST_STRONG_USEC, 20)                                                                             \
        X(GROUPS, 8)                                                                                        \
        X(SERVICE, 64)                                                                                      \
        X(CALLER_UID, 10)                                                                                   \
        X(CALLER_PID, 10)                                                                                   \
        X(TAP_TO_VERDICT_USEC, 20)                                                                          \
        X(TAP_TO_SESSION_USEC, 20)                                                                          \
        X(POLICY, 64)                                                                                       \
        X(STORE_VERSION, 20)                                                                                \
        X(WITNESS, 64)                                                                                      \
        X(DETAIL, 256)                                                                                      \
        X(STATION, 64)                                                                                      \
        X(STATION_ID, 32)                                                                                   \
        X(TAGS, 256)                                                                                        \
        X(CLOCK_SYNC, 3)                                                                                    \
        X(TIME_USEC, 20)                                                                                    \
        X(EPOCH, 32)                                                                                        \
        X(SEQ, 20)                                                                                          \
        X(PREV, 64)                                                                                         \
        X(APPROVER, 130)   /* whose key approved it; two with a space */                                    \
        X(ISSUER, 64)      /* who issued the ticket, or answers for the exception */                        \
        X(TICKET, 8)       /* its short name, never its code */                                             \
        X(EXCEPTION, 64)   /* the rule that let it pass */                                                  \
        X(LOWERED, 64)     /* what stood in for the factors that the role wants */                          \
        X(UNTIL_USEC, 20)  /* when what was granted ends */                                                 \
        X(CLAIMED, 128)    /* whom somebody said to be, without proof */                                    \
        X(IDENTIFIED, 128) /* how a person was identified */                                                \
        X(POSTURE, 256)    /* the station's checks that failed */                                           \
        X(REVIEW, 16)      /* the review item that this opens or closes */                                  \
        X(HOLDER, 128)     /* full name of whoever an agency account is lent to */

enum record_field {
#define X(id, max) RECORD_FIELD_##id,
        RECORD_FIELDS(X)
#undef X
                RECORD_FIELD_MAX,
};
/* Set by wardtapd alone. */
static inline bool record_field_is_of_writer(enum record_field f) {
        return f >= RECORD_FIELD_STATION && f <= RECORD_FIELD_PREV;
}

enum record_outcome {
        RECORD_SUCCESS = 0, /* DICOM PS3.15 A.5: EventOutcomeIndicator 0 */
        RECORD_FAILURE = 4, /* minor failure */
};

struct record {
        enum record_event event;
        enum record_outcome outcome;
        char *fields[RECORD_FIELD_MAX]; /* owned; NULL where absent */
};

/* Frees what the record owns and leaves it empty. For _cleanup_(record_clear). */
void record_clear(struct record *r);

/* Copies value into the field. Text that is not clean (text_is_clean()) is stored with each offending byte
 * replaced by '?'; a longer one is cut at a character's end. NULL removes the field. -ENOMEM. */
int record_set(struct record *r, enum record_field field, const char *value);
/* The same for a number, in decimal. */
int record_set_u64(struct record *r, enum record_field field, uint64_t value);

const char *record_event_name(enum record_event event);
/* RECORD_EVENT_INVALID for a name that no event has. */
enum record_event record_event_from_name(const char *name);
/* 32 hexadecimal digits. */
const char *record_event_message_id(enum record_event event);
int record_event_priority(enum record_event event);
/* "WARDTAP_REASON" and so on. */
const char *record_field_name(enum record_field field);

/* A record as bytes: event u8, outcome u8, then per present field in ascending order: field u8, string. Used
 * in the broker's messages and in the write-ahead file. */
void record_write(struct writer *w, const struct record *r);
/* Takes all of b. -EBADMSG for an unknown event, outcome or field, a field out of order, twice, too long or
 * not clean, or left-over bytes. *ret is set only on success. -ENOMEM. */
int record_read(struct bytes b, struct record *ret);
