// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import com.sun.tools.attach.VirtualMachine;

/** Loads the packaged agent into a running JVM. */
final class Attach {
    static {
        // By itself it gives up after ten seconds, as if the process were hung and not only without a processor.
        System.setProperty("sun.tools.attach.attachTimeout", "240000");
    }

    private Attach() {}

    static void to(Jvm jvm, String options) throws Exception {
        VirtualMachine machine = VirtualMachine.attach(Long.toString(jvm.pid()));
        try {
            machine.loadAgent(Jvm.JAR.toString(), options);
        } finally {
            machine.detach();
        }
    }
}
