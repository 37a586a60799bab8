// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.lang.management.ManagementFactory;
import java.security.SecureRandom;
import java.util.Random;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Looks at the agent as operators do, by JMX; and whether generators that the program gave a seed still keep their
 * contract after a change, which it waits for as a line on its standard input.
 */
public final class Observed {
    private Observed() {}

    public static void main(String[] arguments) throws Exception {
        SecureRandom fixed = SecureRandom.getInstance("SHA1PRNG");
        fixed.setSeed(42);
        fixed.nextInt();
        Random random = new Random(42);
        Random late = new Random();
        late.setSeed(42);
        SecureRandom free = SecureRandom.getInstance("SHA1PRNG");
        free.nextInt();
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = new ObjectName("dev.sysgenid:type=Agent");
        while (!server.isRegistered(name)) { // soon, by a thread of the agent
            Thread.sleep(10);
        }
        System.out.println("ready");
        int unused = System.in.read();

        SecureRandom same = SecureRandom.getInstance("SHA1PRNG");
        same.setSeed(42);
        same.nextInt();
        System.out.println("fixed " + (fixed.nextInt() == same.nextInt()));
        int expected = new Random(42).nextInt();
        System.out.println("random " + (random.nextInt() == expected && late.nextInt() == expected));
        System.out.println("free by " + free.getProvider().getName());
        for (var each : server.getMBeanInfo(name).getAttributes()) {
            Object value = server.getAttribute(name, each.getName());
            System.out.println(
                    each.getName() + "=" + (value instanceof String[] states ? String.join("; ", states) : value));
        }
        System.exit(0); // a recording is written
    }
}
