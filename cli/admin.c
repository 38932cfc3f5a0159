/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, the store, and the record that each change is. */
#include "cli/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>

#include "cli/when.h"
#include "common/broker.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"

#define COMMIT_TRIES 5U /* each waits 2 s for readers */
#define RECORD_DEADLINE_USEC (10U * 1000U * 1000U)

void admin_close(struct admin *a) {
        if (a->began)
                (void) store_rollback(a->store);
        a->began = false;
        a->store = store_close(a->store);
        closep(&a->broker);
}

/* The uid that logged in, as the kernel keeps it for this process and all that came from it. */
static int login_uid(uid_t *ret) {
        char text[16];
        uint64_t uid;
        _cleanup_(closep) int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return -EBADMSG;
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        int r = parse_u64(text, UINT32_MAX - 1, &uid); /* the largest means "nobody logged in" */
        if (r < 0)
                return r;
        *ret = (uid_t) uid;
        return 0;
}

void admin_requestor(char ret[REQUESTOR_MAX]) {
        uid_t uid = 0;
        struct passwd *pw;
        if (login_uid(&uid) < 0 || uid == 0)
                (void) snprintf(ret, REQUESTOR_MAX, "root");
        else if ((pw = getpwuid(uid)))
                (void) snprintf(ret, REQUESTOR_MAX, "%s", pw->pw_name);
        else
                (void) snprintf(ret, REQUESTOR_MAX, "uid %u", (unsigned) uid);
}

int admin_need_root(const struct cli_arguments *args) {
        if (geteuid() == 0)
                return CLI_OK;
        return fail(CLI_NOT_ROOT, _("Only root may do this. Try: sudo wardtap %s ..."), args->command);
}

int admin_group(gid_t *ret) {
        struct group *g = getgrnam("wardtap");
        if (!g)
                return fail(CLI_FAILED, _("The group 'wardtap' is missing. Make it with: systemd-sysusers"));
        *ret = g->gr_gid;
        return CLI_OK;
}

int admin_store_failed(int error) {
        switch (error) {
        case -ENOENT:
                return fail(
                        CLI_NOT_FOUND,
                        _("Nobody is enrolled on this station yet. Begin with: wardtap person add USER"));
        case -EACCES:
        case -EPERM:
                if (geteuid() == 0)
                        return fail(CLI_FAILED,
                                    _("%s has the wrong owner or mode. The folder must be root:wardtap "
                                      "0750, the file root:wardtap 0640."),
                                    PATH_PEOPLE_DB);
                return fail(CLI_NOT_ROOT,
                            _("Only root may look into the store of people. Try it with sudo."));
        case -EBUSY:
                return fail(CLI_FAILED,
                            _("Another program is changing the store of people. Try again in a moment."));
        case -EBADMSG:
                return fail(CLI_FAILED, _("%s is damaged. Put a backup of it in its place."),
                            PATH_PEOPLE_DB);
        case -EPROTO:
                return fail(CLI_FAILED, _("%s was written by a newer Wardtap. Update this station."),
                            PATH_PEOPLE_DB);
        default:
                return fail(CLI_FAILED, _("The store of people cannot be used (%s). Look at %s."),
                            strerror(-error), PATH_PEOPLE_DB);
        }
}

int admin_connect(struct admin *a) {
        return broker_connect(&(struct broker_hello){.purpose = BROKER_ADMIN}, &a->broker);
}

static int broker_failed(int error) {
        if (error == -ETIMEDOUT)
                return fail(CLI_NOT_RUNNING,
                            _("wardtapd did not answer in time, and nothing was changed. See: "
                              "systemctl status wardtapd"));
        return fail(CLI_NOT_RUNNING, _("wardtapd is not running. Start it with: systemctl start wardtapd"));
}

int admin_open(struct admin *a, const struct cli_arguments *args) {
        gid_t gid = 0;
        int r = admin_need_root(args);
        if (r != CLI_OK || (r = admin_group(&gid)) != CLI_OK)
                return r;
        if ((r = admin_connect(a)) < 0)
                return broker_failed(r);
        admin_requestor(a->requestor);
        r = store_open_people(PATH_PEOPLE_DB, true, gid, &a->store);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

int admin_open_to_record(struct admin *a, const struct cli_arguments *args) {
        int r = admin_need_root(args);
        if (r != CLI_OK)
                return r;
        if ((r = admin_connect(a)) < 0)
                return broker_failed(r);
        admin_requestor(a->requestor);
        r = admin_open_people(&a->store);
        return r < 0 && r != -ENOENT ? admin_store_failed(r) : CLI_OK;
}

/* What a killed writer left half-done only another writer can undo, and until then nobody can sign in. */
int admin_open_people(struct store **ret) {
        struct store *mend = NULL;
        gid_t gid = 0;
        int r = store_open_people(PATH_PEOPLE_DB, false, (gid_t) -1, ret);
        if (r != -EBUSY || geteuid() != 0 || admin_group(&gid) != CLI_OK)
                return r;
        if ((r = store_open_people(PATH_PEOPLE_DB, true, gid, &mend)) < 0)
                return r;
        (void) store_close(mend);
        return store_open_people(PATH_PEOPLE_DB, false, (gid_t) -1, ret);
}

int admin_open_read(struct admin *a) {
        int r = admin_open_people(&a->store);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

int admin_find_person(struct admin *a, const char *user, struct store_person *ret) {
        int r = store_find_person(a->store, user, ret);
        if (r == -ENOENT)
                return fail(CLI_NOT_FOUND,
                            _("Nobody is enrolled as '%s'. Enrol this person with: "
                              "wardtap person add %s"),
                            user, user);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

int admin_find_active(struct admin *a, const char *user, struct store_person *ret) {
        struct store_person p;
        int r = admin_find_person(a, user, &p);
        if (r != CLI_OK)
                return r;
        if (p.ended_usec)
                return fail(CLI_CONFLICT,
                            _("%s (%s) was offboarded already, which is for ever. Enrol anew with: "
                              "wardtap person add %s"),
                            p.full_name, p.user, p.user);
        *ret = p;
        return CLI_OK;
}

int admin_take_text(const char *what, const char *text, char *ret, size_t size) {
        if (!text_is_clean(text, size - 1) || !text[0])
                return fail(CLI_USAGE, _("%s must have 1 to %zu bytes of plain text."), what, size - 1);
        memcpy(ret, text, strlen(text) + 1);
        return CLI_OK;
}

int admin_need_reason(const struct cli_arguments *args) {
        char reason[sizeof(((struct store_badge *) 0)->end_reason)];
        return admin_take_text("--reason", args->option[OPTION_REASON], reason, sizeof(reason));
}

int admin_take_time(const struct cli_arguments *args, enum cli_option option, const char *name,
                    bool end_of_day, uint64_t *ret) {
        const char *text = args->option[option];
        if (text && when_parse(text, end_of_day, now_realtime_usec(), ret) < 0)
                return fail(CLI_USAGE,
                            _("--%s does not understand '%s'. Write a time as 2026-11-20 or "
                              "'2026-11-20 07:30'."),
                            name, text);
        return CLI_OK;
}

int admin_token_failed(int error, const char *token, bool key) {
        const char *list = key ? "wardtap key list" : "wardtap badge list";
        if (error == -ENOENT)
                return fail(CLI_NOT_FOUND,
                            key ? _("There is no key in use with the token '%s'. See them all with: %s")
                                : _("There is no badge in use with the token '%s'. See them all with: %s"),
                            token, list);
        if (error == -ENOTUNIQ)
                return fail(CLI_CONFLICT,
                            _("More than one has the token '%s', so nothing was changed. See: %s"), token,
                            list);
        return admin_store_failed(error);
}

int admin_begin(struct admin *a) {
        int r = store_begin(a->store);
        if (r < 0)
                return admin_store_failed(r);
        a->began = true;
        return CLI_OK;
}

static int fill(struct admin *a, const struct store_person *person, struct record *r) {
        uint64_t version;
        int e;
        if ((e = record_set(r, RECORD_FIELD_REQUESTOR, a->requestor)) < 0)
                return e;
        if (a->store && ((e = store_version(a->store, &version)) < 0 ||
                         (e = record_set_u64(r, RECORD_FIELD_STORE_VERSION, version)) < 0))
                return e;
        if (!person)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_PERSON, person->uuid)) < 0 ||
            (e = record_set(r, RECORD_FIELD_USER, person->user)) < 0)
                return e;
        struct passwd *pw = getpwnam(person->user);
        return pw ? record_set_u64(r, RECORD_FIELD_UID, pw->pw_uid) : 0;
}

int admin_record(struct admin *a, enum record_event event, const struct store_person *person,
                 struct record *ret) {
        _cleanup_(record_clear) struct record r = {.event = event, .outcome = RECORD_SUCCESS};
        int e = fill(a, person, &r);
        if (e < 0)
                return admin_store_failed(e);
        *ret = r;
        r = (struct record){.event = RECORD_EVENT_INVALID};
        return CLI_OK;
}

int admin_send(struct admin *a, const struct record *r) {
        uint64_t seq;
        int e = broker_record(a->broker, r, now_monotonic_usec() + RECORD_DEADLINE_USEC, &seq);
        if (e == -ETIMEDOUT || e == -EPIPE || e == -ECONNRESET)
                return broker_failed(e);
        if (e < 0)
                return fail(CLI_FAILED,
                            _("wardtapd could not write the record (%s), so nothing was changed. See: "
                              "wardtap status"),
                            strerror(-e));
        return CLI_OK;
}

/* The record is there and the change is not: a second record takes the first one back. */
static int take_back(struct admin *a, struct record *r, int error) {
        r->outcome = RECORD_FAILURE;
        if (record_set(r, RECORD_FIELD_REASON, "store") >= 0)
                (void) admin_send(a, r);
        return admin_store_failed(error);
}

/* A reader that does not let go is waited for: what the record says shall come true. */
static int commit(struct store *s) {
        int r = -EBUSY;
        for (unsigned i = 0; r == -EBUSY && i < COMMIT_TRIES; i++)
                r = store_commit(s);
        return r;
}

int admin_commit(struct admin *a, struct record *r) {
        sigset_t all, before;
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_BLOCK, &all, &before);
        int status = admin_send(a, r);
        if (status == CLI_OK) {
                int e = commit(a->store);
                a->began = e < 0;
                if (e < 0)
                        status = take_back(a, r, e);
        }
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return status;
}
