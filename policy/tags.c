/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the station's tags. */
#include "policy/tags.h"

#include "common/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define TAG_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static void add_word(struct tags *t, const char *word, size_t n) {
        if (n == 0 || n >= TAG_SIZE || t->words.n >= TAGS_MAX || strspn(word, TAG_CHARACTERS) < n)
                return;
        char *to = t->text[t->words.n];
        memcpy(to, word, n);
        to[n] = 0;
        t->list[t->words.n++] = to;
}

static void add_text(struct tags *t, const char *text) {
        static const char space[] = " \t\r\n";
        while (*(text += strspn(text, space))) {
                size_t n = strcspn(text, space);
                add_word(t, text, n);
                text += n;
        }
}

static bool counts(int fd) {
        struct stat st;
        return fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & 022) &&
               st.st_size <= (off_t) TAGS_BYTES;
}

static void add_file(struct tags *t, int folder, const char *name) {
        char text[TAGS_BYTES + 1];
        _cleanup_(closep) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || !counts(fd))
                return;
        ssize_t n = read(fd, text, sizeof(text) - 1);
        if (n <= 0 || memchr(text, 0, (size_t) n))
                return;
        text[n] = 0;
        add_text(t, text);
}

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static void add_folder(struct tags *t, const char *folder) {
        _cleanup_(closedirp) DIR *d = opendir(folder);
        if (!d)
                return;
        struct dirent *e;
        for (unsigned files = 0; files < TAGS_FILES && (e = readdir(d));) {
                if (e->d_name[0] == '.')
                        continue;
                add_file(t, dirfd(d), e->d_name);
                files++;
        }
}

void tags_collect(const struct words *of_rules, const char *folder, struct tags *ret) {
        ret->words = (struct words){.words = ret->list};
        if (of_rules)
                for (size_t i = 0; i < of_rules->n && ret->words.n < TAGS_MAX; i++)
                        ret->list[ret->words.n++] = of_rules->words[i];
        add_folder(ret, folder);
        ret->list[ret->words.n] = NULL;
}
