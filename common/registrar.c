/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the registrar. */
#include "common/registrar.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>

void registrar_message_erase(struct registrar_message *m) {
        explicit_bzero(m, sizeof(*m));
}

static void write_badge(struct writer *w, const struct registrar_badge *b) {
        writer_text(w, b->token, sizeof(b->token));
        writer_text(w, b->kind, sizeof(b->kind));
        writer_u8(w, (uint8_t) b->n_indexes);
        for (size_t i = 0; i < b->n_indexes && i < BADGE_INDEXES_MAX; i++) {
                writer_text(w, b->indexes[i].key_id, sizeof(b->indexes[i].key_id));
                writer_bytes(w, b->indexes[i].index, sizeof(b->indexes[i].index));
        }
}

static void write_enrol(struct writer *w, const struct registrar_enrol *e) {
        write_badge(w, &e->badge);
        writer_u8(w, e->attested_only);
        writer_u8(w, e->own);
        writer_text(w, e->label, sizeof(e->label));
        writer_text(w, e->format, sizeof(e->format));
        writer_blob(w, e->authdata, e->authdata_len);
        writer_blob(w, e->attstmt, e->attstmt_len);
        writer_blob(w, e->credential_id, e->credential_id_len);
        writer_blob(w, e->trial_authdata, e->trial_authdata_len);
        writer_blob(w, e->signature, e->signature_len);
}

static void write_ticket(struct writer *w, const struct registrar_ticket *t) {
        writer_u8(w, (uint8_t) t->status);
        writer_u64(w, t->wait_usec);
        writer_text(w, t->name, sizeof(t->name));
        writer_text(w, t->user, sizeof(t->user));
        writer_text(w, t->issuer, sizeof(t->issuer));
        writer_u8(w, t->may_enrol);
        writer_u8(w, t->may_sign_in);
        writer_u8(w, t->used);
        writer_u64(w, t->until_usec);
        writer_bytes(w, t->make, sizeof(t->make));
        writer_bytes(w, t->trial, sizeof(t->trial));
}

void registrar_write(struct writer *w, const struct registrar_message *m) {
        writer_u8(w, REGISTRAR_VERSION);
        writer_u8(w, (uint8_t) m->type);
        switch (m->type) {
        case REGISTRAR_CHECK:
                writer_text(w, m->check.attempt, sizeof(m->check.attempt));
                writer_text(w, m->check.user, sizeof(m->check.user));
                writer_text(w, m->check.code.text, sizeof(m->check.code.text));
                break;
        case REGISTRAR_USE:
                write_badge(w, &m->use);
                break;
        case REGISTRAR_ENROL:
                write_enrol(w, &m->enrol);
                break;
        case REGISTRAR_TICKET:
                write_ticket(w, &m->ticket);
                break;
        case REGISTRAR_DONE:
                writer_u8(w, (uint8_t) m->done);
                break;
        case REGISTRAR_TYPE_INVALID:
        default:
                w->full = true; /* nothing that could be sent */
        }
}

/* n hexadecimal digits. */
static int take_hex(struct bytes *b, char *buf, size_t n) {
        int r = bytes_take_string(b, buf, n + 1);
        if (r < 0)
                return r;
        return strlen(buf) == n && strspn(buf, "0123456789abcdef") == n ? 0 : -EBADMSG;
}

/* In the one form that a code has, so that what is read is what was written. */
static int take_code(struct bytes *b, struct ticket_code *ret) {
        _cleanup_(ticket_code_erase) struct ticket_code typed = {0}, code = {0};
        int r = bytes_take_string(b, typed.text, sizeof(typed.text));
        if (r < 0)
                return r;
        if (ticket_code_parse(typed.text, &code) < 0 || strcmp(code.text, typed.text) != 0)
                return -EBADMSG;
        *ret = code;
        return 0;
}

static int read_check(struct bytes *b, struct registrar_message *m) {
        int r = take_hex(b, m->check.attempt, sizeof(m->check.attempt) - 1);
        if (r >= 0)
                r = bytes_take_text(b, m->check.user, sizeof(m->check.user));
        return r < 0 ? r : take_code(b, &m->check.code);
}

static int read_badge(struct bytes *b, struct registrar_badge *badge) {
        uint8_t n;
        int r;
        if ((r = bytes_take_text(b, badge->token, sizeof(badge->token))) < 0 ||
            (r = bytes_take_text(b, badge->kind, sizeof(badge->kind))) < 0 || (r = bytes_take_u8(b, &n)) < 0)
                return r;
        if (n > BADGE_INDEXES_MAX || (badge->token[0] != 0) != (n > 0))
                return -EBADMSG;
        for (; badge->n_indexes < n; badge->n_indexes++) {
                struct badge_index *i = &badge->indexes[badge->n_indexes];
                if ((r = take_hex(b, i->key_id, sizeof(i->key_id) - 1)) < 0 ||
                    (r = bytes_take_copy(b, i->index, sizeof(i->index))) < 0)
                        return r;
        }
        return 0;
}

/* A new credential, or none. */
static int read_credential(struct bytes *b, struct registrar_enrol *e) {
        int r;
        if ((r = bytes_take_text(b, e->format, sizeof(e->format))) < 0 ||
            (r = bytes_take_blob_copy(b, 0, sizeof(e->authdata), e->authdata, &e->authdata_len)) < 0 ||
            (r = bytes_take_blob_copy(b, 0, sizeof(e->attstmt), e->attstmt, &e->attstmt_len)) < 0)
                return r;
        if (e->own)
                return e->format[0] || e->authdata_len > 0 || e->attstmt_len > 0 ? -EBADMSG : 0;
        return e->authdata_len > 0 ? 0 : -EBADMSG;
}

static int read_enrol(struct bytes *b, struct registrar_enrol *e) {
        int r;
        if ((r = read_badge(b, &e->badge)) < 0 || (r = bytes_take_bool(b, &e->attested_only)) < 0 ||
            (r = bytes_take_bool(b, &e->own)) < 0 ||
            (r = bytes_take_text(b, e->label, sizeof(e->label))) < 0 || (r = read_credential(b, e)) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(e->credential_id), e->credential_id,
                                      &e->credential_id_len)) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(e->trial_authdata), e->trial_authdata,
                                      &e->trial_authdata_len)) < 0)
                return r;
        return bytes_take_blob_copy(b, 1, sizeof(e->signature), e->signature, &e->signature_len);
}

static int take_status(struct bytes *b, enum registrar_status *ret) {
        uint8_t status;
        int r = bytes_take_u8(b, &status);
        if (r < 0)
                return r;
        if (status >= REGISTRAR_STATUS_MAX)
                return -EBADMSG;
        *ret = (enum registrar_status) status;
        return 0;
}

static int read_ticket(struct bytes *b, struct registrar_ticket *t) {
        int r;
        if ((r = take_status(b, &t->status)) < 0 || (r = bytes_take_u64(b, &t->wait_usec)) < 0 ||
            (r = bytes_take_text(b, t->name, sizeof(t->name))) < 0 ||
            (r = bytes_take_text(b, t->user, sizeof(t->user))) < 0 ||
            (r = bytes_take_text(b, t->issuer, sizeof(t->issuer))) < 0 ||
            (r = bytes_take_bool(b, &t->may_enrol)) < 0 || (r = bytes_take_bool(b, &t->may_sign_in)) < 0 ||
            (r = bytes_take_bool(b, &t->used)) < 0 || (r = bytes_take_u64(b, &t->until_usec)) < 0 ||
            (r = bytes_take_copy(b, t->make, sizeof(t->make))) < 0 ||
            (r = bytes_take_copy(b, t->trial, sizeof(t->trial))) < 0)
                return r;
        bool good = t->status == REGISTRAR_OK;
        return good == (t->user[0] && t->name[0] && t->until_usec > 0) ? 0 : -EBADMSG;
}

static int read_fields(struct bytes *b, struct registrar_message *m) {
        switch (m->type) {
        case REGISTRAR_CHECK:
                return read_check(b, m);
        case REGISTRAR_USE:
                return read_badge(b, &m->use);
        case REGISTRAR_ENROL:
                return read_enrol(b, &m->enrol);
        case REGISTRAR_TICKET:
                return read_ticket(b, &m->ticket);
        case REGISTRAR_DONE:
                return take_status(b, &m->done);
        case REGISTRAR_TYPE_INVALID:
        default:
                return -EBADMSG;
        }
}

int registrar_read(struct bytes b, struct registrar_message *ret) {
        _cleanup_(registrar_message_erase) struct registrar_message m = {0};
        uint8_t version, type;
        int r = bytes_take_u8(&b, &version);
        if (r < 0)
                return r;
        if (version != REGISTRAR_VERSION)
                return -EPROTONOSUPPORT;
        if ((r = bytes_take_u8(&b, &type)) < 0)
                return r;
        m.type = (enum registrar_type) type;
        if ((r = read_fields(&b, &m)) < 0 || (r = bytes_end(&b)) < 0)
                return r;
        *ret = m;
        return 0;
}

int registrar_connect(int *ret_fd) {
        return socket_connect(PATH_REGISTRAR_SOCKET, 0, ret_fd);
}

int registrar_send(int fd, const struct registrar_message *m) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        registrar_write(&w, m);
        return socket_send_written(fd, &w);
}

int registrar_receive(int fd, struct registrar_message *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n = 0;
        int r = socket_receive(fd, buf, sizeof(buf), &n);
        if (r == 0)
                r = registrar_read((struct bytes){buf, n}, ret);
        explicit_bzero(buf, sizeof(buf));
        return r;
}
