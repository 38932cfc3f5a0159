/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`: the station itself. Its keys, and where it still takes a password. */
#include "cli/review.h"

#include <errno.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/pam_stack.h"
#include "common/paths.h"

#define PATH_SHADOW "/etc/shadow"
#define DAY_USEC ((uint64_t) 24 * 3600 * 1000000)

/* --- Site keys */

/* One file of a key, in the first of its places where it is; `needed`: that it is nowhere is a finding too.
 */
static int add_key_file(struct review *r, const char *item, const char *encrypted, const char *plain,
                        bool needed, uint64_t now_usec) {
        struct stat st;
        bool is_encrypted = encrypted && stat(encrypted, &st) == 0;
        if (!is_encrypted && stat(plain, &st) < 0)
                return needed ? review_add(r, REVIEW_SITE_KEY, NULL, item, 0, "missing") : 0;
        uint64_t made = (uint64_t) st.st_mtim.tv_sec * 1000000U;
        bool old = made < now_usec && now_usec - made > REVIEW_SITE_KEY_DAYS * DAY_USEC,
             open = encrypted && !is_encrypted;
        return review_add(r, REVIEW_SITE_KEY, NULL, item, made, "%s%s%s", old ? "older than two years" : "",
                          old && open ? ", " : "", open ? "not encrypted" : "");
}

static int add_key_files(struct review *r, uint64_t now_usec) {
        int x = add_key_file(r, "badge-key", "/etc/credstore.encrypted/badge-key",
                             "/etc/credstore/badge-key", true, now_usec);
        if (x >= 0)
                x = add_key_file(r, "badge-key-previous", "/etc/credstore.encrypted/badge-key-previous",
                                 "/etc/credstore/badge-key-previous", false, now_usec);
        return x < 0 ? x : add_key_file(r, REVIEW_TICKET_KEY, NULL, PATH_TICKET_KEY, false, now_usec);
}

/* One key that indexes badges. */
struct site_key {
        char id[STORE_KEY_ID_SIZE + 1];
        uint64_t first_usec, last_usec, badges;
};
#define SITE_KEYS_MAX 32U /* in all the time of a store; more are left out of the count */

static void count_badge(struct site_key *keys, size_t *n, const struct census_badge *b) {
        size_t i = 0;
        while (i < *n && strcmp(keys[i].id, b->key_id) != 0)
                i++;
        if (i == SITE_KEYS_MAX)
                return;
        if (i == *n) {
                keys[(*n)++] = (struct site_key){.first_usec = b->added_usec};
                memcpy(keys[i].id, b->key_id, sizeof(keys[i].id));
        }
        keys[i].badges++;
        if (b->added_usec < keys[i].first_usec)
                keys[i].first_usec = b->added_usec;
        if (b->added_usec > keys[i].last_usec)
                keys[i].last_usec = b->added_usec;
}

/* The key in use is the one of the badge that was enrolled last. */
static int add_site_keys(struct review *r, const struct census *c) {
        struct site_key keys[SITE_KEYS_MAX];
        size_t n = 0, newest = 0;
        int x = 0;
        for (size_t i = 0; i < c->n; i++)
                for (size_t j = 0; j < c->people[i].n_badges; j++)
                        count_badge(keys, &n, &c->people[i].badges[j]);
        for (size_t i = 1; i < n; i++)
                if (keys[i].last_usec > keys[newest].last_usec)
                        newest = i;
        for (size_t i = 0; x >= 0 && n > 1 && i < n; i++)
                if (i != newest)
                        x = review_add(r, REVIEW_SITE_KEY, NULL, keys[i].id, keys[i].first_usec,
                                       "%llu badges under an old key", (unsigned long long) keys[i].badges);
        return x;
}

/* --- Passwords */

/* crypt(5): a hash begins with "$" or "_", or is 13 letters and digits (DES). What is locked begins with "!"
 * or "*"; anything else fits no password. */
bool review_is_password(const char *field) {
        static const char des[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        size_t n = strlen(field);
        if (n == 0)
                return true;
        if (field[0] == '$')
                return strchr(field + 1, '$') && n > 13;
        return (field[0] == '_' && n == 20) || (n == 13 && strspn(field, des) == n);
}

static int add_password_user(struct review *r, const char *user, const char *field, uint64_t since_usec) {
        struct census_person about = {0};
        if (!review_is_password(field))
                return 0;
        (void) snprintf(about.user, sizeof(about.user), "%.64s", user);
        return review_add(r, REVIEW_PASSWORD_USER, &about, "account", since_usec, "%s",
                          field[0] ? "" : "no password is needed");
}

static int add_shadow(struct review *r) {
        FILE *f = fopen(PATH_SHADOW, "re");
        struct spwd *s;
        int x = 0;
        if (!f)
                return review_add(r, REVIEW_PASSWORD_USER, NULL, PATH_SHADOW, 0, "cannot be read: %s",
                                  strerror(errno));
        while (x >= 0 && (s = fgetspent(f)))
                if (s->sp_pwdp)
                        x = add_password_user(r, s->sp_namp, s->sp_pwdp,
                                              s->sp_lstchg > 0 ? (uint64_t) s->sp_lstchg * DAY_USEC : 0);
        (void) fclose(f);
        return x;
}

/* "x" there says that shadow(5) has it. */
static int add_passwd(struct review *r) {
        FILE *f = fopen(PATH_PASSWD, "re");
        struct passwd *pw;
        int x = 0;
        while (f && x >= 0 && (pw = fgetpwent(f)))
                if (pw->pw_passwd)
                        x = add_password_user(r, pw->pw_name, pw->pw_passwd, 0);
        if (f)
                (void) fclose(f);
        return x;
}

static int add_password_users(struct review *r) {
        int x = add_shadow(r);
        return x < 0 ? x : add_passwd(r);
}

static int add_service(struct review *r, const char *service) {
        static const char *const how[] = {
                [PAM_PASSWORD_FALLBACK] = "while Wardtap cannot judge",
                [PAM_PASSWORD_AFTER] = "also after Wardtap has refused",
                [PAM_PASSWORD_ALONE] = "always",
        };
        struct pam_stack auth;
        int e = pam_stack_load(PAM_FOLDER, service, "auth", &auth);
        if (e == -ENOENT)
                return 0; /* not installed */
        if (e < 0)
                return review_add(r, REVIEW_PASSWORD_SERVICE, NULL, service, 0, "cannot be read: %s",
                                  strerror(-e));
        enum pam_password p = pam_stack_password(&auth);
        return p == PAM_PASSWORD_NEVER
                       ? 0
                       : review_add(r, REVIEW_PASSWORD_SERVICE, NULL, service, 0, "%s", how[p]);
}

static int add_password_services(struct review *r, const struct census *c) {
        static const char *const more[] = {"sshd", "sudo-i", "su-l"}; /* ways in beside the screen */
        int x = 0;
        for (const char *const *s = pam_station_services; x >= 0 && *s; s++)
                x = add_service(r, *s);
        for (size_t i = 0; x >= 0 && i < ELEMENTSOF(more); i++)
                x = c->rules && rules_find_service(c->rules, more[i]) ? 0 : add_service(r, more[i]);
        for (size_t i = 0; x >= 0 && c->rules && i < c->rules->n_services; i++)
                if (!pam_station_has(c->rules->services[i].name))
                        x = add_service(r, c->rules->services[i].name);
        return x;
}

int review_station(struct review *r, const struct census *c, uint64_t now_usec) {
        int x = add_key_files(r, now_usec);
        if (x >= 0)
                x = add_site_keys(r, c);
        if (x >= 0)
                x = add_password_users(r);
        return x < 0 ? x : add_password_services(r, c);
}
