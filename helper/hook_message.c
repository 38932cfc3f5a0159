/* SPDX-License-Identifier: Apache-2.0 */
/* The record that a program of the site is told of. */
#include "helper/hook_message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define PREFIX "WARDTAP_"

void hook_message_write(struct writer *w, const struct record *record, uint64_t seq) {
        writer_u64(w, seq);
        record_write(w, record);
}

int hook_message_read(struct bytes b, struct record *ret, uint64_t *ret_seq) {
        uint64_t seq;
        int r = bytes_take_u64(&b, &seq);
        if (r >= 0)
                r = record_read(b, ret);
        if (r >= 0)
                *ret_seq = seq;
        return r;
}

char **hook_environment_free(char **environment) {
        for (char **v = environment; v && *v; v++)
                free(*v);
        free(environment);
        return NULL;
}

static int add(char **list, size_t *n, const char *name, const char *value) {
        if (asprintf(&list[*n], "%s=%s", name, value) < 0) {
                list[*n] = NULL;
                return -ENOMEM;
        }
        (*n)++;
        return 0;
}

/* What the unit has, but nothing of our names: what the program reads is of this record or not there. */
static int copy(char **list, size_t *n, char *const *from) {
        for (; *from; from++) {
                if (strncmp(*from, PREFIX, strlen(PREFIX)) == 0)
                        continue;
                if (!(list[*n] = strdup(*from)))
                        return -ENOMEM;
                (*n)++;
        }
        return 0;
}

static int add_fields(char **list, size_t *n, const struct record *record) {
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++) {
                int r = !record->fields[i] || i == RECORD_FIELD_SEQ
                                ? 0
                                : add(list, n, record_field_name((enum record_field) i), record->fields[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int hook_environment(const struct record *record, uint64_t seq, char *const *from, char ***ret) {
        char number[24];
        size_t size = RECORD_FIELD_MAX + 4, n = 0;
        for (char *const *v = from; *v; v++)
                size++;
        _cleanup_(hook_environment_freep) char **list = calloc(size, sizeof(char *));
        if (!list)
                return -ENOMEM;
        (void) snprintf(number, sizeof(number), "%" PRIu64, seq);
        int r = copy(list, &n, from);
        if (r < 0 || (r = add_fields(list, &n, record)) < 0 ||
            (seq != 0 && (r = add(list, &n, PREFIX "SEQ", number)) < 0) ||
            (r = add(list, &n, PREFIX "EVENT", record_event_name(record->event))) < 0 ||
            (r = add(list, &n, PREFIX "OUTCOME", record->outcome == RECORD_SUCCESS ? "0" : "4")) < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}
