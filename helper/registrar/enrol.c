/* SPDX-License-Identifier: Apache-2.0 */
/* Badge and key of a person who enrols with a ticket: judged here, and written with the ticket's end. */
#include "helper/registrar/registrar_internal.h"

#include <errno.h>
#include <stdio.h>

struct enrolment {
        struct registrar_change w;
        const struct registrar_enrol *e;
        struct fido_credential credential;
        bool attested;
        struct store_key key;
        char badge[9];         /* token of the one that was added; "" when there is none */
        char lifted[9];        /* the same of the one that was found again */
        bool new_key, own_key; /* it was added; it was found again */
};

/* What the key signed when it made the credential. */
static enum registrar_status judge_credential(struct enrolment *n) {
        const struct registrar_enrol *e = n->e;
        const char *rp_id = n->w.r->rules->relying_party;
        uint8_t hash[32];
        if (fido_client_data_hash("webauthn.create", n->w.c->make, rp_id, hash) < 0)
                return REGISTRAR_FAILED;
        enum reason reason = fido_check_credential(rp_id, hash, e->format, e->authdata, e->authdata_len,
                                                   e->attstmt, e->attstmt_len, &n->credential);
        return reason == REASON_NONE && n->credential.verified ? REGISTRAR_OK : REGISTRAR_KEY_REFUSED;
}

/* Whether its maker vouches for it, which the person's role may want. */
static enum registrar_status judge_maker(struct enrolment *n) {
        char root[ATTESTATION_NAME_SIZE];
        n->attested = n->w.r->roots &&
                      attestation_verify(n->w.r->roots, n->e->format, n->e->attstmt, n->e->attstmt_len,
                                         n->credential.aaguid, n->w.now_usec, root) == 0;
        return n->attested || !n->e->attested_only ? REGISTRAR_OK : REGISTRAR_KEY_UNUSABLE;
}

/* And at the trial sign-in, judged by the row that sign-ins will use. */
static enum registrar_status judge_trial(const struct enrolment *n, const struct store_key *k) {
        const struct registrar_enrol *e = n->e;
        struct fido_assertion a;
        uint8_t hash[32];
        if (fido_client_data_hash("webauthn.get", n->w.c->trial, k->rp_id, hash) < 0)
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
        *k = (struct store_key){.person = n->w.person.id,
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
        (void) snprintf(k->rp_id, sizeof(k->rp_id), "%s", n->w.r->rules->relying_party);
}

static enum registrar_status add_key(struct enrolment *n) {
        struct store_key keys[STORE_KEYS_MAX];
        struct store_person holder;
        size_t n_keys = 0;
        fill_key(n);
        int r = store_add_key(n->w.r->people, &n->key, n->w.now_usec, &holder);
        if (r == -EEXIST)
                return REGISTRAR_KEY_TAKEN;
        if (r == -E2BIG)
                return REGISTRAR_KEYS_FULL;
        if (r < 0 || store_person_keys(n->w.r->people, n->w.person.id, keys, &n_keys) < 0)
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
        struct store_badge held, new = {.person = n->w.person.id, .source = "ticket"};
        struct store_person holder;
        if (b->n_indexes == 0)
                return REGISTRAR_OK;
        int r = registrar_find_badge(n->w.r, b, &held);
        if (r < 0 && r != -ENOENT)
                return REGISTRAR_FAILED;
        if (r == 0 && held.ended_usec == 0)
                return held.person == n->w.person.id ? registrar_lift_badge(&n->w, &held, n->lifted)
                                                     : REGISTRAR_BADGE_TAKEN;
        memcpy(new.token, b->token, sizeof(new.token));
        memcpy(new.kind, b->kind, sizeof(new.kind));
        memcpy(new.key_id, b->indexes[0].key_id, sizeof(new.key_id));
        memcpy(new.index, b->indexes[0].index, sizeof(new.index));
        r = store_add_badge(n->w.r->people, &new, n->w.now_usec, &holder);
        if (r < 0)
                return r == -EEXIST ? REGISTRAR_BADGE_TAKEN : REGISTRAR_FAILED;
        memcpy(n->badge, new.token, sizeof(n->badge));
        return REGISTRAR_OK;
}

/* --- a key that she has already */

static const struct store_key *find_own(const struct enrolment *n, const struct store_key *keys,
                                        size_t n_keys) {
        const struct registrar_enrol *e = n->e;
        for (size_t i = 0; i < n_keys; i++)
                if (keys[i].credential_id_len == e->credential_id_len &&
                    memcmp(keys[i].credential_id, e->credential_id, e->credential_id_len) == 0 &&
                    strcmp(keys[i].rp_id, n->w.r->rules->relying_party) == 0)
                        return &keys[i];
        return NULL;
}

/* As good as a new one, when it signs: and in use again, if it was reported lost. Nothing comes of a key
 * that is in use where the badge is, too. */
static enum registrar_status take_own(struct enrolment *n) {
        struct store_key keys[STORE_KEYS_MAX];
        size_t n_keys = 0;
        if (store_person_keys(n->w.r->people, n->w.person.id, keys, &n_keys) < 0)
                return REGISTRAR_FAILED;
        const struct store_key *k = find_own(n, keys, n_keys);
        enum registrar_status status = k ? judge_trial(n, k) : REGISTRAR_KEY_REFUSED;
        if (status == REGISTRAR_OK && n->e->attested_only && !k->attested)
                status = REGISTRAR_KEY_UNUSABLE;
        if (status == REGISTRAR_OK)
                status = registrar_lift_key(&n->w, k, &n->own_key);
        if (status != REGISTRAR_OK)
                return status;
        memcpy(n->key.token, k->token, sizeof(n->key.token));
        return n->own_key || n->badge[0] || n->lifted[0] ? REGISTRAR_OK : REGISTRAR_KEY_TAKEN;
}

static enum registrar_status take_new(struct enrolment *n) {
        enum registrar_status status = judge_credential(n);
        if (status == REGISTRAR_OK)
                status = judge_maker(n);
        if (status == REGISTRAR_OK)
                status = add_key(n);
        n->new_key = status == REGISTRAR_OK;
        return status;
}

/* --- records: all are on disk before anything is */

static enum registrar_status note_badge(struct enrolment *n) {
        if (!n->badge[0])
                return registrar_note_found(&n->w, n->lifted, "");
        return registrar_note(&n->w, RECORD_BADGE_ENROL,
                              (struct registrar_field[3]){{RECORD_FIELD_BADGE, n->badge},
                                                          {RECORD_FIELD_BADGE_KIND, n->e->badge.kind}});
}

static enum registrar_status note_key(struct enrolment *n) {
        if (!n->new_key)
                return registrar_note_found(&n->w, "", n->own_key ? n->key.token : "");
        return registrar_note(&n->w, RECORD_KEY_ENROL,
                              (struct registrar_field[3]){{RECORD_FIELD_KEY, n->key.token},
                                                          {RECORD_FIELD_DETAIL, n->key.label}});
}

static enum registrar_status note_all(struct enrolment *n) {
        enum registrar_status status = registrar_note(
                &n->w, RECORD_TICKET_USE,
                (struct registrar_field[3]){{RECORD_FIELD_IDENTIFIED, n->w.ticket.identified}});
        if (status == REGISTRAR_OK)
                status = note_badge(n);
        return status == REGISTRAR_OK ? note_key(n) : status;
}

/* Inside a transaction. */
static enum registrar_status enrol(struct enrolment *n) {
        enum registrar_status status = registrar_reread(&n->w, TICKET_SIGN_IN);
        if (status == REGISTRAR_OK)
                status = add_badge(n);
        if (status == REGISTRAR_OK)
                status = n->e->own ? take_own(n) : take_new(n);
        if (status != REGISTRAR_OK)
                return status;
        int e = store_use_ticket(n->w.r->people, n->w.ticket.id, true, n->w.now_usec);
        if (e < 0)
                return e == -EALREADY ? REGISTRAR_USED : REGISTRAR_FAILED;
        return note_all(n);
}

static void enrolment_clear(struct enrolment **n) {
        if (*n)
                registrar_change_clear(&(*n)->w);
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
        n->w = (struct registrar_change){.r = r, .c = c, .clock = clock, .now_usec = clock->realtime_usec};
        n->e = e;
        if (store_begin(r->people) < 0)
                return 0;
        ret->done = registrar_commit(&n->w, enrol(n));
        return 0;
}
