/* SPDX-License-Identifier: Apache-2.0 */
/* Our records in the journal, by sd-journal. */
#include "helper/journal_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-journal.h>

struct journal_reader {
        sd_journal *journal;
        char exe[256]; /* our own program; "" when it cannot be told */
};

static void find_exe(char *buf, size_t size) {
        ssize_t n = readlink("/proc/self/exe", buf, size - 1);
        buf[n > 0 && (size_t) n < size - 1 ? (size_t) n : 0] = 0;
}

int journal_reader_open(struct journal_reader **ret) {
        _cleanup_(journal_reader_freep) struct journal_reader *j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        int r = sd_journal_open(&j->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r < 0)
                return r;
        /* Files that we may not read are passed over silently. */
        if (sd_journal_has_runtime_files(j->journal) <= 0 &&
            sd_journal_has_persistent_files(j->journal) <= 0)
                return -ENODATA;
        r = sd_journal_get_fd(j->journal);
        if (r < 0)
                return r;
        find_exe(j->exe, sizeof(j->exe));
        *ret = TAKE_PTR(j);
        return 0;
}

struct journal_reader *journal_reader_free(struct journal_reader *j) {
        if (!j)
                return NULL;
        sd_journal_close(j->journal);
        free(j);
        return NULL;
}

int journal_reader_fd(struct journal_reader *j) {
        return sd_journal_get_fd(j->journal);
}

void journal_reader_process(struct journal_reader *j) {
        (void) sd_journal_process(j->journal);
}

static int match(sd_journal *j, const char *name, const char *value) {
        char text[320];
        int n = snprintf(text, sizeof(text), "%s=%s", name, value);
        return n < 0 || (size_t) n >= sizeof(text) ? -EINVAL : sd_journal_add_match(j, text, (size_t) n);
}

/* What journald reads after its sender has ended lacks _EXE and _SYSTEMD_UNIT, and no reader believes it: it
 * is sent once more. */
int journal_reader_has(struct journal_reader *j, const char *epoch, uint64_t seq) {
        char number[21], uid[11];
        int r;
        (void) snprintf(number, sizeof(number), "%" PRIu64, seq);
        (void) snprintf(uid, sizeof(uid), "%u", (unsigned) geteuid());
        sd_journal_flush_matches(j->journal);
        if ((r = match(j->journal, "_UID", uid)) < 0 ||
            (j->exe[0] && (r = match(j->journal, "_EXE", j->exe)) < 0) ||
            (r = match(j->journal, "WARDTAP_EPOCH", epoch)) < 0 ||
            (r = match(j->journal, "WARDTAP_SEQ", number)) < 0 || (r = sd_journal_seek_tail(j->journal)) < 0)
                return r;
        r = sd_journal_previous(j->journal);
        return r < 0 ? r : r > 0;
}
