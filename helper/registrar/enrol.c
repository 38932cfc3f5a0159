/* SPDX-License-Identifier: Apache-2.0 */
/* Badge and key of a person who enrols with a ticket: judged here, and written with the ticket's end. */
#include "helper/registrar/registrar_internal.h"

#include <errno.h>
#include <stdio.h>

/* The records of one enrolment, in the order in which they are written. */
enum { RECORD_OF_TICKET, RECORD_OF_BADGE, RECORD_OF_KEY, RECORDS_MAX };

struct enrolment {
        const struct registrar *r;
        const struct registrar_case *c;
        const struct registrar_enrol *e;
        uint64_t now_usec;
        struct store_ticket ticket;
        struct store_person person;
        struct fido_credential credential;
        bool attested;
        struct store_key key;
        char badge[9]; /* token of the one that was added; "" when there is none */
        struct record records[RECORDS_MAX];
        size_t n_records; /* that were written */
};

/* What the key signed when it made the credential. */
static enum registrar_status judge_credential(struct enrolment *n) {
        const struct registrar_enrol *e = n->e;
        const char *rp_id = n->r->rules->relying_party;
        uint8_t hash[32];
        if (fido_client_data_hash("webauthn.create", n->c->make, rp_id, hash) < 0)
                return REGISTRAR_FAILED;
        enum reason reason = fido_check_credential(rp_id, hash, e->format, e->authdata, e->authdata_len,
                                                   e->attstmt, e->attstmt_len, &n->credential);
        return reason == REASON_NONE && n->credential.verified ? REGISTRAR_OK : REGISTRAR_KEY_REFUSED;
}

/* Whether its maker vouches for it, which the person's role may want. */
static enum registrar_status judge_maker(struct enrolment *n) {
        char root[ATTESTATION_NAME_SIZE];
        n->attested = n->r->roots &&
                      attestation_verify(n->r->roots, n->e->format, n->e->attstmt, n->e->attstmt_len,
                                         n->credential.aaguid, n->now_usec, root) == 0;
        return n->attested || !n->e->attested_only ? REGISTRAR_OK : REGISTRAR_KEY_UNUSABLE;
}

/* And at the trial sign-in, judged by the row that sign-ins will use. */
static enum registrar_status judge_trial(const struct enrolment *n, const struct store_key *k) {
        const struct registrar_enrol *e = n->e;
        struct fido_assertion a;
        uint8_t hash[32];
        if (fido_client_data_hash("webauthn.get", n->c->trial, k->rp_id, hash) < 0)
                return REGISTRAR_FAILED;
        if (e->credential_id_len != k->credential_id_len ||
            memcmp(e->credential_id, k->credential_id, k->credential_id_len) != 0 ||
            fido_check_assertion(k->rp_id, hash, k->public_key, k->public_key_len, e->trial_authdata,
                                 e->trial_authdata_len, e->signature, e->signature_len, &a) != REASON_NONE)
                return REGISTRAR_KEY_REFUSED;
        bool counts = a.counter > 0 || n->credential.counter > 0;
        return a.verified && (!counts || a.counter > n->credential.counter) ? REGISTRAR_OK
                                                                            : REGISTRAR_KEY_REFUSED;
}

static void fill_key(struct enrolment *n) {
        const struct fido_credential *c = &n->credential;
        struct store_key *k = &n->key;
        *k = (struct store_key){.person = n->person.id,
                                .credential_id_len = c->credential_id_len,
                                .public_key_len = c->public_key_len,
                                .attstmt = n->e->attstmt,
                                .attstmt_len = n->e->attstmt_len,
                                .authdata = n->e->authdata,
                                .authdata_len = n->e->authdata_len,
                                .attested = n->attested,
                                .source = "ticket"};
        memcpy(k->credential_id, c->credential_id, c->credential_id_len);
        memcpy(k->public_key, c->public_key, c->public_key_len);
        memcpy(k->aaguid, c->aaguid, sizeof(k->aaguid));
        memcpy(k->format, n->e->format, sizeof(k->format));
        memcpy(k->label, n->e->label, sizeof(k->label));
        (void) snprintf(k->rp_id, sizeof(k->rp_id), "%s", n->r->rules->relying_party);
}

static enum registrar_status add_key(struct enrolment *n) {
        struct store_key keys[STORE_KEYS_MAX];
        struct store_person holder;
        size_t n_keys = 0;
        fill_key(n);
        int r = store_add_key(n->r->people, &n->key, n->now_usec, &holder);
        if (r == -EEXIST)
                return REGISTRAR_KEY_TAKEN;
        if (r == -E2BIG)
                return REGISTRAR_KEYS_FULL;
        if (r < 0 || store_person_keys(n->r->people, n->person.id, keys, &n_keys) < 0)
                return REGISTRAR_FAILED;
        for (size_t i = 0; i < n_keys; i++)
                if (keys[i].id == n->key.id)
                        return judge_trial(n, &keys[i]);
        return REGISTRAR_FAILED;
}

/* Hers already, nobody's, or somebody else's, under any of the badge keys in use. One that has ended (it was
 * lost) is nobody's: it comes back by this ticket as it would by the help desk. */
static enum registrar_status add_badge(struct enrolment *n) {
        const struct registrar_badge *b = &n->e->badge;
        const char *key_ids[BADGE_INDEXES_MAX];
        const uint8_t *indexes[BADGE_INDEXES_MAX];
        struct store_badge held, new = {.person = n->person.id, .source = "ticket"};
        struct store_person holder;
        if (b->n_indexes == 0)
                return REGISTRAR_OK;
        for (size_t i = 0; i < b->n_indexes; i++) {
                key_ids[i] = b->indexes[i].key_id;
                indexes[i] = b->indexes[i].index;
        }
        int r = store_find_badge(n->r->people, key_ids, indexes, b->n_indexes, &held, &holder);
        if (r < 0 && r != -ENOENT)
                return REGISTRAR_FAILED;
        if (r == 0 && held.ended_usec == 0)
                return held.person == n->person.id ? REGISTRAR_OK : REGISTRAR_BADGE_TAKEN;
        memcpy(new.token, b->token, sizeof(new.token));
        memcpy(new.kind, b->kind, sizeof(new.kind));
        memcpy(new.key_id, b->indexes[0].key_id, sizeof(new.key_id));
        memcpy(new.index, b->indexes[0].index, sizeof(new.index));
        r = store_add_badge(n->r->people, &new, n->now_usec, &holder);
        if (r < 0)
                return r == -EEXIST ? REGISTRAR_BADGE_TAKEN : REGISTRAR_FAILED;
        memcpy(n->badge, new.token, sizeof(n->badge));
        return REGISTRAR_OK;
}

static int write_record(struct enrolment *n, enum record_event event, enum record_field field,
                        const char *value) {
        struct record *record = &n->records[n->n_records];
        *record = (struct record){.event = event, .outcome = RECORD_SUCCESS};
        int e = registrar_fill(n->r, &n->ticket, &n->person, record);
        if (e >= 0)
                e = record_set(record, field, value);
        if (e >= 0 && event == RECORD_BADGE_ENROL)
                e = record_set(record, RECORD_FIELD_BADGE_KIND, n->e->badge.kind);
        if (e >= 0 && event == RECORD_KEY_ENROL && n->key.label[0])
                e = record_set(record, RECORD_FIELD_DETAIL, n->key.label);
        n->n_records++; /* it is freed in any case, and may have been written */
        return e < 0 ? e : n->r->record(n->r->userdata, n->c->attempt, record);
}

/* All are on disk before anything is. */
static enum registrar_status record_all(struct enrolment *n) {
        if (write_record(n, RECORD_TICKET_USE, RECORD_FIELD_IDENTIFIED, n->ticket.identified) < 0)
                return REGISTRAR_FAILED;
        if (n->badge[0] && write_record(n, RECORD_BADGE_ENROL, RECORD_FIELD_BADGE, n->badge) < 0)
                return REGISTRAR_FAILED;
        return write_record(n, RECORD_KEY_ENROL, RECORD_FIELD_KEY, n->key.token) < 0 ? REGISTRAR_FAILED
                                                                                     : REGISTRAR_OK;
}

/* Inside a transaction. */
static enum registrar_status enrol(struct enrolment *n, const struct policy_clock *clock) {
        enum registrar_status status = registrar_reread(n->r, n->c, clock, &n->ticket, &n->person);
        if (status == REGISTRAR_OK && n->ticket.use == TICKET_SIGN_IN)
                status = REGISTRAR_NOT_HERE;
        if (status == REGISTRAR_OK)
                status = judge_credential(n);
        if (status == REGISTRAR_OK)
                status = judge_maker(n);
        if (status == REGISTRAR_OK)
                status = add_badge(n);
        if (status == REGISTRAR_OK)
                status = add_key(n);
        if (status != REGISTRAR_OK)
                return status;
        int e = store_use_ticket(n->r->people, n->ticket.id, true, n->now_usec);
        if (e < 0)
                return e == -EALREADY ? REGISTRAR_USED : REGISTRAR_FAILED;
        return record_all(n);
}

/* What was recorded is to come true: where it cannot any more, the records are taken back. */
static void take_back(struct enrolment *n) {
        for (size_t i = 0; i < n->n_records; i++) {
                struct record *record = &n->records[i];
                record->outcome = RECORD_FAILURE;
                if (record_set(record, RECORD_FIELD_REASON, reason_name(REASON_STORE)) >= 0)
                        (void) n->r->record(n->r->userdata, n->c->attempt, record);
        }
}

static void enrolment_clear(struct enrolment **n) {
        for (size_t i = 0; *n && i < (*n)->n_records; i++)
                record_clear(&(*n)->records[i]);
        free(*n);
}

int registrar_enrol(const struct registrar *r, const struct registrar_case *c,
                    const struct registrar_enrol *e, const struct policy_clock *clock,
                    struct registrar_message *ret) {
        _cleanup_(enrolment_clear) struct enrolment *n = calloc(1, sizeof(*n));
        ret->type = REGISTRAR_DONE;
        ret->done = REGISTRAR_FAILED;
        if (!n)
                return 0;
        n->r = r;
        n->c = c;
        n->e = e;
        n->now_usec = clock->realtime_usec;
        if (store_begin(r->people) < 0)
                return 0;
        enum registrar_status status = enrol(n, clock);
        if (status != REGISTRAR_OK && n->n_records > 0)
                take_back(n);
        ret->done = registrar_commit(r, c, status, n->records, n->n_records);
        return 0;
}
