// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generators of the Kerberos client. */
final class KerberosRandom extends HeldRandoms {
    @Override
    public String name() {
        return "kerberos";
    }

    @Override
    public String what() {
        return "Kerberos confounders, and the choice among its servers";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "sun.security.krb5.Confounder", "srand");
        add(jdk, "sun.security.krb5.KrbServiceLocator", "random");
    }
}
