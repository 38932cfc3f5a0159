/* SPDX-License-Identifier: Apache-2.0 */
/* Audit records: their events and fields, and their form as bytes. */
#include "common/record.h"

#include "common/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct {
        const char *name, *message_id;
        int priority;
} events[] = {
#define X(id, name, message_id, priority) [RECORD_##id] = {name, message_id, priority},
        RECORD_EVENTS(X)
#undef X
};

static const struct {
        const char *name;
        size_t max;
} fields[] = {
#define X(id, max) [RECORD_FIELD_##id] = {"WARDTAP_" #id, max},
        RECORD_FIELDS(X)
#undef X
};

void record_clear(struct record *r) {
        for (size_t i = 0; i < RECORD_FIELD_MAX; i++)
                free(r->fields[i]);
        *r = (struct record){.event = RECORD_EVENT_INVALID};
}

/* Copies value into out (of max + 1 bytes): what is not clean becomes '?', and it ends with a whole
 * character. */
static void copy_clean(const char *value, char *out, size_t max) {
        size_t at = 0;
        while (*value) {
                size_t n = text_take_clean(value), step = n > 0 ? n : 1;
                if (at + step > max)
                        break;
                if (n > 0)
                        memcpy(out + at, value, n);
                else
                        out[at] = '?';
                at += step;
                value += step;
        }
        out[at] = 0;
}

int record_set(struct record *r, enum record_field field, const char *value) {
        char *copy = NULL;
        if (value) {
                copy = malloc(fields[field].max + 1);
                if (!copy)
                        return -ENOMEM;
                copy_clean(value, copy, fields[field].max);
        }
        free(r->fields[field]);
        r->fields[field] = copy;
        return 0;
}

int record_set_u64(struct record *r, enum record_field field, uint64_t value) {
        char text[21];
        (void) snprintf(text, sizeof(text), "%" PRIu64, value);
        return record_set(r, field, text);
}

const char *record_event_name(enum record_event event) {
        return events[event].name;
}

enum record_event record_event_from_name(const char *name) {
        for (size_t i = 0; i < RECORD_EVENT_MAX; i++)
                if (strcmp(events[i].name, name) == 0)
                        return (enum record_event) i;
        return RECORD_EVENT_INVALID;
}

const char *record_event_message_id(enum record_event event) {
        return events[event].message_id;
}

int record_event_priority(enum record_event event) {
        return events[event].priority;
}

const char *record_field_name(enum record_field field) {
        return fields[field].name;
}

void record_write(struct writer *w, const struct record *r) {
        writer_u8(w, (uint8_t) r->event);
        writer_u8(w, (uint8_t) r->outcome);
        for (size_t i = 0; i < RECORD_FIELD_MAX; i++) {
                if (!r->fields[i])
                        continue;
                writer_u8(w, (uint8_t) i);
                writer_string(w, r->fields[i]);
        }
}

static int read_field(struct bytes *b, int previous, struct record *r) {
        uint8_t id;
        struct bytes value;
        int e = bytes_take_u8(b, &id);
        if (e < 0)
                return e;
        if (id >= RECORD_FIELD_MAX || (int) id <= previous)
                return -EBADMSG;
        e = bytes_take_blob(b, 0, fields[id].max, &value);
        if (e < 0)
                return e;
        if (value.n > 0 && memchr(value.p, 0, value.n))
                return -EBADMSG;
        _cleanup_(freep) char *text = malloc(value.n + 1);
        if (!text)
                return -ENOMEM;
        if (value.n > 0)
                memcpy(text, value.p, value.n);
        text[value.n] = 0;
        if (!text_is_clean(text, fields[id].max))
                return -EBADMSG;
        r->fields[id] = TAKE_PTR(text);
        return id;
}

int record_read(struct bytes b, struct record *ret) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        uint8_t event, outcome;
        int e;

        if ((e = bytes_take_u8(&b, &event)) < 0 || (e = bytes_take_u8(&b, &outcome)) < 0)
                return e;
        if (event >= RECORD_EVENT_MAX || (outcome != RECORD_SUCCESS && outcome != RECORD_FAILURE))
                return -EBADMSG;
        for (int previous = -1; b.n > 0; previous = e)
                if ((e = read_field(&b, previous, &r)) < 0)
                        return e;
        r.event = (enum record_event) event;
        r.outcome = (enum record_outcome) outcome;
        *ret = r;
        r = (struct record){0};
        return 0;
}
