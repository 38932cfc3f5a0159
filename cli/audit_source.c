/* SPDX-License-Identifier: Apache-2.0 */
/* Entries from sd-journal or from an export. */
#include "cli/audit_source.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>

#include "cli/audit_export.h"
#include "cli/journal.h"
#include "common/util.h"

#define UNIT "wardtapd.service"

void audit_source_close(struct audit_source *s) {
        journal_closep(&s->journal);
        if (s->file)
                (void) fclose(s->file);
        *s = (struct audit_source){0};
}

int audit_source_failed(const struct audit_source *s, int error) {
        const char *path = s->path ? s->path : _("The journal");
        if (s->file && error == -EBADMSG)
                return fail(CLI_UNREADABLE,
                            _("%s is not what 'journalctl -o export' writes, or it breaks off in an entry. "
                              "Export it again."),
                            path);
        return fail(CLI_UNREADABLE, _("%s cannot be read (%s)."), path, strerror(-error));
}

/* The user of this machine's wardtapd: elsewhere it has another number. */
static int trust_here(struct audit_trust *t) {
        struct passwd *pw = getpwnam("wardtapd");
        if (!pw)
                return fail(
                        CLI_NOT_FOUND,
                        _("This machine has no user 'wardtapd', so it has written no records. Is Wardtap "
                          "installed?"));
        (void) snprintf(t->uid, sizeof(t->uid), "%" PRIu32, (uint32_t) pw->pw_uid);
        if (!journal_knows_units())
                t->exe = t->unit = NULL;
        return CLI_OK;
}

static int match(sd_journal *j, const char *name, const char *value) {
        char text[320];
        int n = snprintf(text, sizeof(text), "%s=%s", name, value);
        return n < 0 || (size_t) n >= sizeof(text) ? -EINVAL : sd_journal_add_match(j, text, (size_t) n);
}

/* What wardtapd's user wrote, and, for `all`, what has an event or a message id of a record. */
static int add_matches(struct audit_source *s, bool all) {
        int r = s->trust.uid[0] ? match(s->journal, "_UID", s->trust.uid)
                                : match(s->journal, "_SYSTEMD_UNIT", UNIT);
        for (int field = 0; all && r >= 0 && field < 2; field++) {
                r = sd_journal_add_disjunction(s->journal);
                for (int i = 0; r >= 0 && i < RECORD_EVENT_MAX; i++)
                        r = field == 0 ? match(s->journal, "MESSAGE_ID",
                                               record_event_message_id((enum record_event) i))
                                       : match(s->journal, "WARDTAP_EVENT",
                                               record_event_name((enum record_event) i));
        }
        return r;
}

static int open_journal(struct audit_source *s, bool all) {
        int r = s->path ? sd_journal_open_directory(&s->journal, s->path, 0)
                        : sd_journal_open(&s->journal, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0)
                return audit_source_failed(s, r);
        /* Files that we may not read are passed over silently. */
        if (sd_journal_has_runtime_files(s->journal) <= 0 &&
            sd_journal_has_persistent_files(s->journal) <= 0)
                return fail(CLI_UNREADABLE, _("There are no journal files in %s that you may read."),
                            s->path ? s->path : "/var/log/journal");
        (void) sd_journal_set_data_threshold(s->journal, AUDIT_VALUE_MAX + AUDIT_NAME_SIZE + 1);
        r = add_matches(s, all);
        return r < 0 ? audit_source_failed(s, r) : CLI_OK;
}

static int open_export(struct audit_source *s) {
        s->file = fopen(s->path, "re");
        int c = s->file ? getc(s->file) : 0;
        if (!s->file || ferror(s->file))
                return fail(errno == ENOENT ? CLI_NOT_FOUND : CLI_UNREADABLE, _("%s cannot be read (%s)."),
                            s->path, strerror(errno));
        if (c == '{')
                return fail(
                        CLI_UNREADABLE,
                        _("%s is JSON, in which journalctl leaves things out. Export it with: journalctl "
                          "-o export"),
                        s->path);
        return CLI_OK;
}

int audit_source_open(const struct cli_arguments *args, bool all, struct audit_source *ret) {
        const char *file = args->option[OPTION_EXPORT], *folder = args->option[OPTION_DIRECTORY];
        struct audit_source s = {.path = file ? file : folder, .trust = {.exe = WARDTAPD_EXE, .unit = UNIT}};
        int r = CLI_OK;
        if (file && folder)
                return fail(CLI_USAGE, _("Give --file or --directory, not both."));
        if (!s.path && !journal_may_read())
                return fail(CLI_NOT_ROOT,
                            _("You may not read the journal. Try it with sudo, or as a member of the "
                              "group systemd-journal."));
        if (!s.path)
                r = trust_here(&s.trust);
        if (r == CLI_OK)
                r = file ? open_export(&s) : open_journal(&s, all);
        if (r == CLI_OK)
                r = audit_source_seek(&s, 0);
        if (r != CLI_OK) {
                audit_source_close(&s);
                return r;
        }
        *ret = s;
        return CLI_OK;
}

int audit_source_seek(struct audit_source *s, uint64_t since_usec) {
        int r;
        if (s->file)
                r = fseek(s->file, 0, SEEK_SET) < 0 ? -errno : 0;
        else
                r = since_usec ? sd_journal_seek_realtime_usec(s->journal, since_usec)
                               : sd_journal_seek_head(s->journal);
        return r < 0 ? audit_source_failed(s, r) : CLI_OK;
}

static void add_data(struct audit_entry *e, const uint8_t *data, size_t n) {
        char name[AUDIT_NAME_SIZE];
        const uint8_t *equals = memchr(data, '=', n < AUDIT_NAME_SIZE ? n : AUDIT_NAME_SIZE);
        if (!equals)
                return;
        size_t n_name = (size_t) (equals - data), n_value = n - n_name - 1;
        memcpy(name, data, n_name);
        name[n_name] = 0;
        bool cut = n_value > AUDIT_VALUE_MAX;
        audit_entry_add(e, name, (struct bytes){equals + 1, cut ? AUDIT_VALUE_MAX : n_value}, cut);
}

static int read_journal(sd_journal *j, struct audit_entry *e) {
        const void *data;
        size_t n;
        sd_id128_t boot;
        int r = sd_journal_next(j);
        if (r <= 0)
                return r;
        audit_entry_reset(e);
        if ((r = sd_journal_get_realtime_usec(j, &e->taken_usec)) < 0 ||
            (r = sd_journal_get_monotonic_usec(j, &e->monotonic_usec, &boot)) < 0)
                return r;
        sd_journal_restart_data(j);
        while ((r = sd_journal_enumerate_data(j, &data, &n)) > 0)
                add_data(e, data, n);
        return r < 0 ? r : 1;
}

int audit_source_next(struct audit_source *s, struct audit_entry *ret) {
        return s->file ? audit_export_next(s->file, ret) : read_journal(s->journal, ret);
}

uint64_t audit_source_oldest(struct audit_source *s) {
        uint64_t from, to;
        return s->journal && sd_journal_get_cutoff_realtime_usec(s->journal, &from, &to) > 0 ? from : 0;
}
