/* SPDX-License-Identifier: Apache-2.0 */
/* Loads rules by what people call them. */
#include "cli/rules_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "common/paths.h"

static int load_snapshot(const char *path, struct rules **ret) {
        int r = rules_load(path, ret);
        if (r >= 0)
                return CLI_OK;
        if (r == -ENOENT)
                return fail(CLI_NOT_FOUND, _("No rules are in force yet. Apply them with: "
                                             "wardtap policy apply --reason TEXT"));
        if (r == -EACCES)
                return fail(CLI_NOT_ROOT, _("Only root may read the rules in force. Try it with sudo."));
        return fail(CLI_FAILED, _("The rules in force cannot be read (%s)."), strerror(-r));
}

static bool is_hash(const char *name) {
        size_t n = strlen(name);
        return n >= 8 && n <= 64 && strspn(name, "0123456789abcdef") == n;
}

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

/* The one snapshot whose hash begins like this. */
static int load_archived(const char *prefix, struct rules **ret) {
        _cleanup_(closedirp) DIR *d = opendir(PATH_RULES_ARCHIVE);
        char path[sizeof(PATH_RULES_ARCHIVE) + 66] = "";
        struct dirent *e;
        unsigned found = 0;
        if (!d && errno == EACCES)
                return fail(CLI_NOT_ROOT,
                            _("Only root may look into the archive of rules. Try it with sudo."));
        while (d && (e = readdir(d)))
                if (strlen(e->d_name) == 64 && strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
                        found++;
                        (void) snprintf(path, sizeof(path), "%s/%.64s", PATH_RULES_ARCHIVE, e->d_name);
                }
        if (found == 0)
                return fail(CLI_NOT_FOUND,
                            _("No rules with a hash that begins with %s were applied here. See %s."), prefix,
                            PATH_RULES_ARCHIVE "/log");
        if (found > 1)
                return fail(CLI_CONFLICT, _("The hashes of %u rules begin with %s. Write more of it."),
                            found, prefix);
        return load_snapshot(path, ret);
}

static int load_file(const char *file, struct rules **ret) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0};
        _cleanup_(freep) char *beside = NULL;
        if (asprintf(&beside, "%s.d", file) < 0) {
                beside = NULL;
                return fail(CLI_FAILED, _("There is not enough memory."));
        }
        int r = rules_parse(file, beside, ret, &errors);
        if (r == -ENOENT)
                return fail(CLI_NOT_FOUND, _("There is no file %s."), file);
        return r < 0 ? fail(CLI_FAILED,
                            _("%s cannot be used as rules. See why with: wardtap policy check %s"), file,
                            file)
                     : CLI_OK;
}

int load_rules_named(const char *name, struct rules **ret) {
        if (!name || strcmp(name, "current") == 0)
                return load_snapshot(PATH_SNAPSHOT, ret);
        return is_hash(name) ? load_archived(name, ret) : load_file(name, ret);
}
