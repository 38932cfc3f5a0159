/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the journal's own form. */
#include "helper/journal_entry.h"

#include "common/util.h"
#include "helper/message.h"

/* Values hold no newline (text_is_clean()), so the short form does for all of them. */
static void write_line(struct writer *w, const char *name, const char *value) {
        writer_bytes(w, name, strlen(name));
        writer_bytes(w, "=", 1);
        writer_bytes(w, value, strlen(value));
        writer_bytes(w, "\n", 1);
}

void journal_entry_write(struct writer *w, const struct record *r) {
        char message[MESSAGE_SIZE], priority[2] = {(char) ('0' + record_event_priority(r->event)), 0};
        message_of(r, message);
        write_line(w, "MESSAGE", message);
        write_line(w, "MESSAGE_ID", record_event_message_id(r->event));
        write_line(w, "PRIORITY", priority);
        write_line(w, "SYSLOG_IDENTIFIER", "wardtapd");
        write_line(w, "WARDTAP_EVENT", record_event_name(r->event));
        write_line(w, "WARDTAP_OUTCOME", r->outcome == RECORD_SUCCESS ? "0" : "4");
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++)
                if (r->fields[i])
                        write_line(w, record_field_name((enum record_field) i), r->fields[i]);
}
