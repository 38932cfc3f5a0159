/* SPDX-License-Identifier: Apache-2.0 */
/* /run/systemd/{seats,sessions,users}, as sd-login reads them. */
#include "tests/virtual/station/station.h"

#include <fcntl.h>
#include <sys/stat.h>

static FILE *begin(const struct stage *s, const char *folder, const char *name, char path[static 256]) {
        char temporary[300];
        (void) snprintf(path, 256, "%s/%s", s->runtime, folder);
        (void) mkdir(path, 0755);
        (void) snprintf(path, 256, "%s/%s/%s", s->runtime, folder, name);
        (void) snprintf(temporary, sizeof(temporary), "%s.new", path);
        FILE *f = fopen(temporary, "we");
        if (!f)
                die(temporary, errno);
        (void) fputs("# This is private data. Do not parse.\n", f);
        return f;
}

static void end(FILE *f, const char *path) {
        char temporary[300];
        (void) snprintf(temporary, sizeof(temporary), "%s.new", path);
        if (fclose(f) != 0 || chmod(temporary, 0644) < 0 || rename(temporary, path) < 0)
                die(path, errno);
}

static void list(FILE *f, const struct stage *s, const char *name, const char *seat, uid_t uid, bool uids) {
        const char *separator = "";
        (void) fprintf(f, "%s=", name);
        for (size_t i = 0; i < s->n_sessions; i++) {
                const struct session *e = s->sessions[i];
                if (seat ? strcmp(e->seat, seat) != 0 : e->uid != uid)
                        continue;
                if (uids)
                        (void) fprintf(f, "%s%u", separator, (unsigned) e->uid);
                else
                        (void) fprintf(f, "%s%s", separator, e->id);
                separator = " ";
        }
        (void) fputc('\n', f);
}

void files_write_seat(const struct stage *s) {
        char path[256];
        FILE *f = begin(s, "seats", "seat0", path);
        (void) fputs("IS_SEAT0=1\nCAN_MULTI_SESSION=1\nCAN_TTY=1\nCAN_GRAPHICAL=1\n", f);
        for (size_t i = 0; i < s->n_sessions; i++)
                if (s->active[0] && strcmp(s->sessions[i]->id, s->active) == 0)
                        (void) fprintf(f, "ACTIVE=%s\nACTIVE_UID=%u\n", s->active,
                                       (unsigned) s->sessions[i]->uid);
        list(f, s, "SESSIONS", "seat0", 0, false);
        list(f, s, "UIDS", "seat0", 0, true);
        end(f, path);
}

static bool is_active(const struct stage *s, const struct session *e) {
        return strcmp(s->active, e->id) == 0;
}

void files_write_session(const struct stage *s, const struct session *e) {
        char path[256];
        FILE *f = begin(s, "sessions", e->id, path);
        (void) fprintf(f, "UID=%u\nUSER=%s\nACTIVE=%d\nIS_DISPLAY=%d\nSTATE=%s\nREMOTE=%d\n",
                       (unsigned) e->uid, e->user, is_active(s, e), strcmp(e->class, "user") == 0,
                       is_active(s, e) ? "active" : "online", e->remote);
        (void) fprintf(f, "TYPE=%s\nCLASS=%s\nSCOPE=session-%s.scope\nSERVICE=%s\n", e->type, e->class,
                       e->id, e->service);
        if (e->seat[0])
                (void) fprintf(f, "SEAT=%s\n", e->seat);
        if (e->vt > 0)
                (void) fprintf(f, "VTNR=%u\nPOSITION=%u\n", e->vt, e->vt);
        (void) fprintf(f, "LEADER=%d\nREALTIME=%llu\nMONOTONIC=%llu\n", (int) e->leader,
                       (unsigned long long) e->begun_realtime_usec, (unsigned long long) e->begun_usec);
        end(f, path);
}

void files_write_user(const struct stage *s, uid_t uid) {
        const struct session *display = NULL;
        char path[256], name[16];
        bool active = false;
        for (size_t i = 0; i < s->n_sessions; i++) {
                const struct session *e = s->sessions[i];
                if (e->uid != uid)
                        continue;
                active = active || is_active(s, e);
                if (!display || is_active(s, e))
                        display = e;
        }
        (void) snprintf(name, sizeof(name), "%u", (unsigned) uid);
        if (!display) {
                (void) snprintf(path, sizeof(path), "%s/users/%s", s->runtime, name);
                (void) unlink(path);
                return;
        }
        FILE *f = begin(s, "users", name, path);
        (void) fprintf(f, "NAME=%s\nSTATE=%s\nSTOPPING=no\nRUNTIME=/run/user/%s\nDISPLAY=%s\n",
                       display->user, active ? "active" : "online", name, display->id);
        list(f, s, "SESSIONS", NULL, uid, false);
        (void) fprintf(f, "SEATS=seat0\nONLINE_SESSIONS=%s\n", display->id);
        if (active)
                (void) fprintf(f, "ACTIVE_SESSIONS=%s\nACTIVE_SEATS=seat0\n", s->active);
        end(f, path);
}

void files_remove_session(const struct stage *s, const struct session *e) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/sessions/%s", s->runtime, e->id);
        (void) unlink(path);
        files_write_user(s, e->uid);
}
