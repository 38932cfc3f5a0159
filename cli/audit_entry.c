/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a journal, field by field. */
#include "cli/audit_entry.h"

#include <errno.h>

#include "common/util.h"

void audit_entry_reset(struct audit_entry *e) {
        e->taken_usec = e->monotonic_usec = 0;
        e->boot[0] = e->exe[0] = e->unit[0] = e->invocation[0] = e->uid[0] = e->pid[0] = e->name[0] = 0;
        e->claims = e->is_damaged = false;
        e->n = e->used = 0;
}

/* What is too long for what we know of such values is none that we look for. */
static void keep(char *to, size_t size, struct bytes value) {
        size_t n = value.n < size && !(value.n > 0 && memchr(value.p, 0, value.n)) ? value.n : 0;
        if (n > 0)
                memcpy(to, value.p, n);
        to[n] = 0;
}

static bool keep_own(struct audit_entry *e, const char *name, struct bytes value) {
        const struct {
                const char *name;
                char *to;
                size_t size;
        } own[] = {
                {"_BOOT_ID", e->boot, sizeof(e->boot)},
                {"_EXE", e->exe, sizeof(e->exe)},
                {"_SYSTEMD_UNIT", e->unit, sizeof(e->unit)},
                {"_SYSTEMD_INVOCATION_ID", e->invocation, sizeof(e->invocation)},
                {"_UID", e->uid, sizeof(e->uid)},
                {"_PID", e->pid, sizeof(e->pid)},
                {"SYSLOG_IDENTIFIER", e->name, sizeof(e->name)},
        };
        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                if (strcmp(own[i].name, name) == 0) {
                        keep(own[i].to, own[i].size, value);
                        return true;
                }
        return false;
}

static bool is_our_message_id(struct bytes value) {
        for (int i = 0; i < RECORD_EVENT_MAX; i++)
                if (value.n == 32 &&
                    memcmp(record_event_message_id((enum record_event) i), value.p, 32) == 0)
                        return true;
        return false;
}

static struct bytes copy(struct audit_entry *e, const void *p, size_t n) {
        struct bytes b = {(const uint8_t *) e->text + e->used, n};
        if (n > 0)
                memcpy(e->text + e->used, p, n);
        e->text[e->used + n] = 0;
        e->used += n + 1;
        return b;
}

void audit_entry_add(struct audit_entry *e, const char *name, struct bytes value, bool cut) {
        bool id = strcmp(name, "MESSAGE_ID") == 0;
        size_t n = strlen(name);
        if (keep_own(e, name, value) || (!id && strncmp(name, "WARDTAP_", 8) != 0))
                return;
        if ((id && is_our_message_id(value)) || strcmp(name, "WARDTAP_EVENT") == 0 ||
            strcmp(name, "WARDTAP_SEQ") == 0)
                e->claims = true;
        if (cut || e->n == AUDIT_LINES_MAX || AUDIT_TEXT_MAX - e->used < n + value.n + 2 ||
            audit_entry_value(e, name)) {
                e->is_damaged = true;
                return;
        }
        struct bytes copied = copy(e, name, n);
        e->lines[e->n++] = (struct audit_line){copied, copy(e, value.p, value.n)};
        /* A newline in a value could pass for another field. */
        const char *text = (const char *) e->lines[e->n - 1].value.p;
        if (strlen(text) != value.n || !text_is_clean(text, AUDIT_VALUE_MAX))
                e->is_damaged = true;
}

const char *audit_entry_value(const struct audit_entry *e, const char *name) {
        for (size_t i = 0; i < e->n; i++)
                if (strcmp((const char *) e->lines[i].name.p, name) == 0)
                        return (const char *) e->lines[i].value.p;
        return NULL;
}

const char *audit_entry_field(const struct audit_entry *e, enum record_field f) {
        return audit_entry_value(e, record_field_name(f));
}

static bool is_program(const struct audit_trust *t, const struct audit_entry *e) {
        if (t->exe)
                return strcmp(e->exe, t->exe) == 0 && strcmp(e->unit, t->unit) == 0;
        const char *slash = strrchr(e->exe, '/');
        return slash && strcmp(slash, "/wardtapd") == 0 && strcmp(e->name, "wardtapd") == 0;
}

enum audit_sender audit_trust_judge(struct audit_trust *t, const struct audit_entry *e) {
        bool program = is_program(t, e);
        if (!t->uid[0] && program)
                memcpy(t->uid, e->uid, sizeof(t->uid));
        if (!e->uid[0] || strcmp(e->uid, t->uid) != 0)
                return AUDIT_SENDER_OTHER;
        if (program)
                return AUDIT_SENDER_OURS;
        return e->exe[0] ? AUDIT_SENDER_OTHER : AUDIT_SENDER_GONE;
}

/* All lines but that of PREV, which is what the others are hashed with. */
static size_t hashed_lines(const struct audit_entry *e, struct audit_line ret[AUDIT_LINES_MAX]) {
        size_t n = 0;
        for (size_t i = 0; i < e->n; i++)
                if (strcmp((const char *) e->lines[i].name.p, "WARDTAP_PREV") != 0)
                        ret[n++] = e->lines[i];
        return n;
}

void audit_copy_clean(char *to, size_t size, const char *from) {
        size_t at = 0;
        while (from && *from) {
                size_t n = text_take_clean(from), step = n > 0 ? n : 1;
                if (at + step >= size)
                        break;
                memcpy(to + at, n > 0 ? from : "?", step);
                at += step;
                from += step;
        }
        to[at] = 0;
}

int audit_entry_mark(struct audit_entry *e, char ret_epoch[33], struct audit_mark *ret) {
        static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
        struct audit_line lines[AUDIT_LINES_MAX];
        struct audit_mark m = {.taken_usec = e->taken_usec, .monotonic_usec = e->monotonic_usec};
        const char *epoch = audit_entry_field(e, RECORD_FIELD_EPOCH),
                   *seq = audit_entry_field(e, RECORD_FIELD_SEQ),
                   *prev = audit_entry_field(e, RECORD_FIELD_PREV),
                   *time = audit_entry_field(e, RECORD_FIELD_TIME_USEC);
        m.is_damaged = e->is_damaged;
        if (audit_read_links(epoch, seq, prev, ret_epoch, &m.seq, m.prev) < 0) {
                m.is_damaged = true;
                if (audit_read_links(epoch, seq, zeros, ret_epoch, &m.seq, m.prev) < 0)
                        return -EBADMSG;
        }
        if (!time || parse_u64(time, UINT64_MAX, &m.time_usec) < 0)
                m.time_usec = e->taken_usec;
        memcpy(m.boot, e->boot, sizeof(m.boot));
        audit_copy_clean(m.event, sizeof(m.event), audit_entry_value(e, "WARDTAP_EVENT"));
        audit_copy_clean(m.user, sizeof(m.user), audit_entry_field(e, RECORD_FIELD_USER));
        if (!m.is_damaged && audit_hash_lines(lines, hashed_lines(e, lines), m.prev, m.hash) < 0)
                m.is_damaged = true;
        *ret = m;
        return 0;
}
