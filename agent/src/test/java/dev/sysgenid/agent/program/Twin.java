// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.util.List;
import java.util.Map;

/**
 * One of two JVMs that are as good as clones: each state is made the same in both. Says "forced", waits for a line on its
 * standard input, and prints what it draws from each, {@code NAME=VALUE}. Arguments: the beginnings of the names; all if
 * there are none.
 */
public final class Twin {
    private Twin() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, State> states = new States().all();
        List<String> wanted = List.of(arguments);
        states.keySet().removeIf(name -> !wanted.isEmpty() && wanted.stream().noneMatch(name::startsWith));
        for (State each : states.values()) {
            each.force();
        }
        System.out.println("forced");
        int unused = System.in.read();
        for (Map.Entry<String, State> each : states.entrySet()) {
            System.out.println(each.getKey() + "=" + each.getValue().draw());
        }
        System.out.println("done");
    }
}
