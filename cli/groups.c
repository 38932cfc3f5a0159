/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of an account, by the name service. */
#include "cli/groups.h"

#include <errno.h>
#include <grp.h>

#define GROUPS_MAX 4096

void word_list_clear(struct words *w) {
        for (size_t i = 0; i < w->n; i++)
                free(w->words[i]);
        free(w->words);
        *w = (struct words){0};
}

int word_list_add(struct words *w, const char *text, size_t n) {
        if (w->n >= WORDS_MAX)
                return 0;
        char **more = reallocarray(w->words, w->n + 2, sizeof(*more));
        if (!more)
                return -ENOMEM;
        w->words = more;
        if (!(w->words[w->n] = strndup(text, n)))
                return -ENOMEM;
        w->words[++w->n] = NULL;
        return 0;
}

int groups_of(const struct passwd *pw, struct words *ret) {
        _cleanup_(word_list_clear) struct words groups = {0};
        _cleanup_(freep) gid_t *gids = calloc(GROUPS_MAX, sizeof(*gids));
        int n = GROUPS_MAX, r = 0;
        if (!gids)
                return -ENOMEM;
        if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) < 0)
                return -EIO;
        for (int i = 0; r >= 0 && i < n; i++) {
                const struct group *g = getgrgid(gids[i]);
                if (g)
                        r = word_list_add(&groups, g->gr_name, strlen(g->gr_name));
        }
        if (r < 0)
                return r;
        *ret = groups;
        groups = (struct words){0};
        return 0;
}
