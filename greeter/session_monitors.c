/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors by RandR 1.5, which X servers have had since 2015. */
#include "greeter/session_monitors.h"

#include <xcb/randr.h>

#include "common/util.h"

void monitors_watch(xcb_connection_t *x, xcb_window_t root, uint8_t *ret_event) {
        const xcb_query_extension_reply_t *randr = xcb_get_extension_data(x, &xcb_randr_id);
        *ret_event = 0;
        if (!randr || !randr->present)
                return;
        _cleanup_(freep) xcb_randr_query_version_reply_t *version =
                xcb_randr_query_version_reply(x, xcb_randr_query_version(x, 1, 5), NULL);
        if (!version || version->major_version != 1 || version->minor_version < 5)
                return;
        (void) xcb_randr_select_input(x, root, XCB_RANDR_NOTIFY_MASK_SCREEN_CHANGE);
        *ret_event = (uint8_t) (randr->first_event + XCB_RANDR_SCREEN_CHANGE_NOTIFY);
}

static bool is_new(const struct monitor *list, size_t n, const struct monitor *m) {
        for (size_t i = 0; i < n; i++)
                if (list[i].x == m->x && list[i].y == m->y && list[i].width == m->width &&
                    list[i].height == m->height)
                        return false;
        return m->width > 0 && m->height > 0;
}

static size_t from_randr(xcb_connection_t *x, xcb_window_t root, struct monitor *ret) {
        _cleanup_(freep) xcb_randr_get_monitors_reply_t *reply =
                xcb_randr_get_monitors_reply(x, xcb_randr_get_monitors(x, root, 1), NULL);
        size_t n = 0;
        if (!reply)
                return 0;
        for (xcb_randr_monitor_info_iterator_t i = xcb_randr_get_monitors_monitors_iterator(reply);
             i.rem > 0 && n < MONITORS_MAX; xcb_randr_monitor_info_next(&i)) {
                struct monitor m = {i.data->x, i.data->y, i.data->width, i.data->height};
                if (is_new(ret, n, &m))
                        ret[n++] = m;
        }
        return n;
}

/* The setup's size is that of the time of connecting; the root window's is that of now. */
static struct monitor whole(xcb_connection_t *x, const xcb_screen_t *screen) {
        struct monitor m = {0, 0, screen->width_in_pixels, screen->height_in_pixels};
        _cleanup_(freep) xcb_get_geometry_reply_t *reply =
                xcb_get_geometry_reply(x, xcb_get_geometry(x, screen->root), NULL);
        if (reply && reply->width > 0 && reply->height > 0) {
                m.width = reply->width;
                m.height = reply->height;
        }
        return m;
}

size_t monitors_get(xcb_connection_t *x, const xcb_screen_t *screen, bool randr,
                    struct monitor ret[static MONITORS_MAX]) {
        size_t n = randr ? from_randr(x, screen->root, ret) : 0;
        if (n > 0)
                return n;
        ret[0] = whole(x, screen);
        return 1;
}
