/* SPDX-License-Identifier: Apache-2.0 */
/* org.wardtap.Station1 as a session sees it, and somebody who only says that he is.
 *
 *   fake_station          takes the name; Notice goes to whoever attended last
 *   fake_station --liar D takes no name, and sends everything to D alone
 *
 * Commands come from stdin, one a line: "shown S", "parked S", "countdown S N", "quiet S 0|1",
 * "notice KIND SECONDS TEXT" (\n in the text is a line's end), "refuse" (Attend fails from now on),
 * "accept". Says "ready NAME", "attend SENDER SESSION" or "refused SENDER SESSION", and "sent" after each
 * command. */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/bytes.h"
#include "common/util.h"

#define NAME "org.wardtap.Station1"
#define PATH "/org/wardtap/Station1"

static sd_bus *bus;
static const char *liar_to;
static char attending[64];
static bool refusing;

static int on_attend(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *session;
        int r = sd_bus_message_read(m, "s", &session);
        if (r < 0)
                return r;
        (void) printf("%s %s %s\n", refusing ? "refused" : "attend", sd_bus_message_get_sender(m), session);
        if (refusing)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not yours");
        (void) text_copy(attending, sizeof(attending), sd_bus_message_get_sender(m));
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Attend", "s", "", on_attend, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void send_signal(const char *to, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r = sd_bus_message_new_signal(bus, &m, PATH, NAME, member);
        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0 && to)
                r = sd_bus_message_set_destination(m, to);
        if (r < 0 || (r = sd_bus_send(bus, m, NULL)) < 0)
                errx(1, "%s: %s", member, strerror(-r));
}

static char *word(char **rest) {
        char *w = strsep(rest, " ");
        return w ? w : (char *) "";
}

static uint32_t number(const char *text) {
        uint64_t v = 0;
        if (parse_u64(text, UINT32_MAX, &v) < 0)
                errx(2, "'%s' is no number", text);
        return (uint32_t) v;
}

static void notice(char *rest) {
        const char *kind = word(&rest);
        uint32_t seconds = number(word(&rest));
        char *text = rest ? rest : (char *) "", *to = text;
        for (const char *from = text; *from; from++) {
                bool newline = from[0] == '\\' && from[1] == 'n';
                from += newline;
                *to++ = newline ? '\n' : *from;
        }
        *to = 0;
        send_signal(liar_to ? liar_to : attending, "Notice", "ssu", kind, text, seconds);
}

static void command(char *line) {
        char *rest = line, *what = word(&rest);
        line[strcspn(line, "\n")] = 0;
        if (strcmp(what, "shown") == 0)
                send_signal(liar_to, "SessionShown", "s", word(&rest));
        else if (strcmp(what, "parked") == 0)
                send_signal(liar_to, "SessionParked", "s", word(&rest));
        else if (strcmp(what, "countdown") == 0) {
                const char *session = word(&rest);
                send_signal(liar_to, "Countdown", "su", session, number(word(&rest)));
        } else if (strcmp(what, "quiet") == 0) {
                const char *session = word(&rest);
                send_signal(liar_to, "Quiet", "sb", session, (int) number(word(&rest)));
        } else if (strcmp(what, "notice") == 0)
                notice(rest);
        else
                refusing = strcmp(what, "refuse") == 0;
        (void) sd_bus_flush(bus);
        (void) puts("sent");
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        char line[2048];
        if (!fgets(line, sizeof(line), stdin))
                return sd_event_exit(sd_event_source_get_event(source), 0);
        line[strcspn(line, "\n")] = 0;
        command(line);
        return 0;
}

int main(int argc, char **argv) {
        sd_event *event = NULL;
        const char *name = NULL;
        int r;
        if (argc == 3 && strcmp(argv[1], "--liar") == 0)
                liar_to = argv[2];
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        (void) setvbuf(stdin, NULL, _IONBF, 0);
        if ((r = sd_event_new(&event)) < 0 || (r = sd_bus_open_system(&bus)) < 0 ||
            (r = sd_bus_add_object_vtable(bus, NULL, PATH, NAME, vtable, NULL)) < 0 ||
            (!liar_to && (r = sd_bus_request_name(bus, NAME, 0)) < 0) ||
            (r = sd_bus_attach_event(bus, event, 0)) < 0 || (r = sd_bus_get_unique_name(bus, &name)) < 0 ||
            (r = sd_event_add_io(event, NULL, 0, EPOLLIN, on_input, NULL)) < 0)
                errx(1, "%s", strerror(-r));
        (void) printf("ready %s\n", name);
        r = sd_event_loop(event);
        (void) sd_bus_flush_close_unref(bus);
        sd_event_unref(event);
        return r;
}
