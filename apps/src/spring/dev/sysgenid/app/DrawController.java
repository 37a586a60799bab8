// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers each request with what was drawn for it. */
@RestController
final class DrawController {
    @GetMapping(path = "/draw", produces = "text/plain")
    String draw(HttpSession session) throws IOException {
        return Draws.draw(session.getId());
    }
}
